//! A PostgreSQL server of the test's own, on a free loopback port, gone at the end of the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) struct PostgresServer {
    programs: PathBuf,
    data: PathBuf,
    port: u16,
    _folder: TempDir,
}

impl PostgresServer {
    /// `None`, and a line that says why, when PostgreSQL is not installed or does not start.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("not run: initdb and pg_ctl are not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let data = folder.path().join("data");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        run(as_server(&programs.join("initdb"), folder.path()).args([
            "--username=bartizan",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
            data.to_str().unwrap(),
        ]))?;
        let options = format!(
            "-p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60",
            folder.path().display()
        );
        let log = folder.path().join("log");
        run(as_server(&programs.join("pg_ctl"), folder.path()).args([
            "-D",
            data.to_str().unwrap(),
            "-l",
            log.to_str().unwrap(),
            "-o",
            &options,
            "-w",
            "start",
        ]))?;
        Some(Self { programs, data, port, _folder: folder })
    }

    /// Of the one database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://bartizan@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let stopped = as_server(&self.programs.join("pg_ctl"), &self.data)
            .args(["-D", self.data.to_str().unwrap(), "-m", "immediate", "-w", "stop"])
            .output();
        if !stopped.is_ok_and(|output| output.status.success()) {
            println!("the PostgreSQL server in {} did not stop", self.data.display());
        }
    }
}

fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders
        .into_iter()
        .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn as_server(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn run(command: &mut Command) -> Option<()> {
    let why = match command.output() {
        Ok(Output { status, .. }) if status.success() => return Some(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    println!("not run: {command:?} failed: {why}");
    None
}
