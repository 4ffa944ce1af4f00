use super::*;

fn shell(script: &str) -> Process {
    Process::new("/bin/sh").args(["-c", script])
}

#[test]
fn the_environment_is_ours_alone() {
    let process = shell("env; pwd").env("EXTRA", "1");
    let (home, work) = (
        process.sandbox().home().to_owned(),
        process.sandbox().work().to_owned(),
    );
    let output = process.run().ok();
    let mut names: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    // The shell adds its own PWD (and OLDPWD, SHLVL, _ where it is bash).
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["EXTRA", "HOME", "LANG", "PATH", "TMPDIR", "TZ"]);
    assert!(output.stdout.contains(&format!("HOME={}", home.display())));
    assert!(output.stdout.ends_with(&format!("{}\n", work.display())));
}

#[test]
fn output_exit_code_and_input_are_carried() {
    let output = shell("cat; echo bad >&2; exit 7").stdin("in").run().expect(7);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("in", "bad\n"));
    let output = shell(r#"echo '{"a": 1}'; echo '{"p": 2}' >&2; echo text >&2"#)
        .run()
        .ok();
    assert_eq!(output.json()["a"], 1);
    assert_eq!(output.json_lines().len(), 1);
}

#[test]
#[should_panic(expected = "exit code 0 expected")]
fn a_wrong_exit_code_fails() {
    shell("exit 3").run().ok();
}

#[test]
fn the_time_limit_kills_the_whole_group() {
    let sandbox = Sandbox::new();
    let script = "sleep 1000 & echo $! > child; wait";
    let process = Process::within(&sandbox, "/bin/sh")
        .args(["-c", script])
        .timeout(Duration::from_millis(300));
    let error = process.try_run().unwrap_err().to_string();
    assert!(error.contains("did not end within 300ms"), "{error}");
    let child = std::fs::read_to_string(sandbox.path("child")).unwrap();
    assert_gone(child.trim());
}

#[test]
fn a_service_is_awaited_signalled_and_killed() {
    let service = shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done").spawn();
    assert_eq!(service.wait_line("read"), "ready");
    assert!(service.is_running());
    assert_eq!(service.terminate().ok().stdout, "ready\nbye\n");
    assert!(!service.signal(Signal::TERM), "nobody is there any more");

    let service = shell("echo ready; sleep 1000").spawn();
    service.wait_line("ready");
    let output = service.kill9();
    assert_eq!((output.code, output.signal), (None, Some(9)));
}

#[test]
fn dropping_a_service_kills_what_it_started() {
    let service = shell("sleep 1000 & echo child $!; wait").spawn();
    let line = service.wait_line("child");
    drop(service);
    assert_gone(line.trim_start_matches("child "));
}

#[test]
fn a_sandbox_takes_its_residents_with_it() {
    let sandbox = Sandbox::new();
    // Another group, as a service under supervision has: the kill of the group does not reach it.
    let script = "setsid sleep 1000 & echo child $!; wait";
    let service = Process::within(&sandbox, "/bin/sh").args(["-c", script]).spawn();
    service.wait_line("child ");
    service.kill9();
    let residents = sandbox.processes();
    let [resident] = &residents[..] else {
        panic!("one resident expected: {residents:?}")
    };
    assert_eq!(resident.command, "sleep 1000");
    drop((service, sandbox));
    assert_gone(&resident.pid.to_string());
}

#[test]
#[should_panic(expected = "no line with")]
fn waiting_on_a_dead_service_fails_at_once() {
    shell("echo other; exit 1").spawn().wait_line("ready");
}

#[test]
fn the_file_size_limit_is_an_error_and_no_death() {
    let output = shell("head -c 10000 /dev/zero > file; echo $?")
        .file_size_limit(4096)
        .run()
        .ok();
    assert_eq!(output.stdout, "1\n");
    assert!(output.stderr.contains("File too large"), "{output}");
}

/// A test that is killed leaves nothing: the inner test below is run as its own process and killed.
#[test]
fn nothing_outlives_a_killed_test() {
    let sandbox = Sandbox::new();
    let inner = Process::within(&sandbox, std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "process::tests::inner_test_to_be_killed",
        ])
        .spawn();
    let line = inner.wait_line("inner pid ");
    inner.kill9();
    assert_gone(line.rsplit(' ').next().unwrap());
}

#[test]
#[ignore = "run by nothing_outlives_a_killed_test, which kills it"]
fn inner_test_to_be_killed() {
    let service = shell("echo $$; sleep 1000").spawn();
    println!("inner pid {}", service.pid());
    service.wait();
}

/// Waits for the end of a process that is being killed; a zombie has ended.
fn assert_gone(pid: &str) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    while state().is_some_and(|stat| !stat.contains(") Z ")) {
        assert!(
            std::time::Instant::now() < end,
            "process {pid} still runs: {:?}",
            state()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
