//! The real binary in a real pseudo-terminal.

use crate::lab::Lab;
use crate::pty::Pty;
use portable_pty::CommandBuilder;

/// Start the binary with `arguments` in a terminal of `columns` × `rows`.
pub(crate) fn start(lab: &Lab, columns: u16, rows: u16, arguments: &[&str]) -> Pty {
    let mut program = CommandBuilder::new(Lab::binary());
    program.args(arguments);
    command(lab, columns, rows, program)
}

/// Start any command in a terminal.
pub(crate) fn command(lab: &Lab, columns: u16, rows: u16, mut command: CommandBuilder) -> Pty {
    command.env_clear();
    for (name, value) in lab.environment() {
        command.env(name, value);
    }
    command.cwd(lab.folder());
    Pty::start(columns, rows, command)
}
