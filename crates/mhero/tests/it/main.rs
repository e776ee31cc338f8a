//! The program as it is run: by its command line.

mod command;
mod conversation;
mod installation;
mod manual;
mod replay;
mod stored;
