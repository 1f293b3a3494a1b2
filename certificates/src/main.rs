//! Writes all certificates and keys of the tests into a directory, for scripts that are run by hand.

use std::path::Path;
use std::{env, process};

fn main() {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [directory] = arguments.as_slice() else {
        eprintln!("usage: certificates DIRECTORY");
        process::exit(2);
    };
    certificates::files::write(Path::new(directory));
}
