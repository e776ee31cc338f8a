//! A server that runs for a test.

use crate::command::{Place, run};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `mhero serve`; it ends with the test.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Server {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(place: &Place) -> Self {
        let mut process = place.command(&["serve"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line.contains(" ready ").then(|| line.split("address=").nth(1)).flatten();
            let address = address.map(|address| address.trim().trim_matches('"').to_owned());
            said.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("the server did not start: {said:#?}"));
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self { process, address };
        until("the server takes commands", || place.run(&["audience", "count", "name = x"]).code == 0);
        server
    }

    /// Sends bytes over HTTP and gives what comes back until the server closes.
    pub(crate) fn http(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) {
        run(Command::new("kill").args(["-TERM", &self.process.id().to_string()])).ok();
        assert!(self.process.wait().unwrap().success());
    }
}

/// Waits for something that other processes bring about.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}: not in 30 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How far the latest campaign is.
pub(crate) fn status(place: &Place) -> Value {
    place.run(&["--json", "campaign", "status"]).ok().json()
}

/// Waits until the latest campaign has `n` recipients who stand like this.
pub(crate) fn until_count(place: &Place, what: &str, n: i64) -> Value {
    let mut report = Value::Null;
    until(&format!("{n} {what}"), || {
        report = status(place);
        report["all"][what] == n
    });
    report
}
