//! The limit of open files, for subcommands that hold many connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Take all the system allows: a thousand streams are a thousand open sockets, and many systems start with 1024.
pub(super) fn raise() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    // Where it is refused, connections beyond the limit fail, which both sides count and tell.
    let _ = setrlimit(Resource::Nofile, limit);
}
