//! `cargo bench -p gateway --bench smpp`: submit_sm a second over the loopback interface, by window, and the codec.

use gateway::smpp::bench;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let codec = bench::codec(2_000_000);
    println!("codec, encode and decode: {:.0} PDUs/s", codec.per_second());
    for window in [10, 100, 1_000, 5_000] {
        let measured = runtime.block_on(bench::submit(if window < 100 { 100_000 } else { 500_000 }, window))?;
        println!("window {window}: {:.0} submit_sm/s", measured.per_second());
    }
    Ok(())
}
