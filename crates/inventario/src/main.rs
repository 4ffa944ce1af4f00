//! `inventario`: see `inventario --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    inventario::cli::main()
}
