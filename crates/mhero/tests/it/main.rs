//! The program as it is run: by its command line.

mod bench;
mod command;
mod conversation;
mod exports;
mod gate;
mod hostile;
mod installation;
mod manual;
mod operator;
mod replay;
mod server;
mod stored;
