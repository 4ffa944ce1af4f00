//! The command line with the built binary: a file per verb, the whole output as snapshot, the exit code asserted.
#![allow(
    clippy::disallowed_methods,
    reason = "tests write throw-away files, and read the clock to clear away what is old"
)]

mod cli {
    // The stage.
    mod far;
    mod fixture;
    mod mask;
    mod scene;

    // The verbs.
    mod backup;
    mod check;
    mod demo;
    mod deploy;
    mod digest;
    mod encryption;
    mod fence;
    mod init;
    mod migrate;
    mod note;
    mod plan;
    mod rehearse;
    mod replicas;
    mod report;
    mod restore;
    mod resume;
    mod rollback;
    mod run;
    mod smoke;
    mod status;

    // What holds for all of them.
    mod help;
    mod interrupt;
    mod leftovers;
    mod mysql;
    mod no_locks;
    mod room;
    mod secrets;
    mod server;
    mod usage;
}
