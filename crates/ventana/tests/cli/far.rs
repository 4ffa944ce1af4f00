//! Real far sides of replicas: a folder, an sshd that gives SFTP and nothing else, and a bucket's server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::port::Port;
use testkit::{Process, Sandbox, Service, fault, http, program};

/// What a test may do behind ventana's back, with paths relative to the store.
pub(crate) trait Far {
    /// `[replica.far]` for ventana.toml.
    fn configuration(&self) -> String;
    /// Every file with its content.
    fn files(&self) -> BTreeMap<String, Vec<u8>>;
    /// Writes a file over what is there.
    fn put(&self, file: &str, content: &[u8]);
    /// Takes a file away, and with the last one of a folder the folder, as a bucket does.
    fn remove(&self, file: &str);
}

/// A folder of this machine.
pub(crate) struct FolderFar(pub(crate) tempfile::TempDir);

impl Far for FolderFar {
    fn configuration(&self) -> String {
        format!("[replica.far]\nfolder = \"{}\"\n", self.0.path().display())
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        below(self.0.path())
    }

    fn put(&self, file: &str, content: &[u8]) {
        put(&self.0.path().join(file), content);
    }

    fn remove(&self, file: &str) {
        remove(self.0.path(), file);
    }
}

fn put(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn remove(root: &Path, file: &str) {
    let path = root.join(file);
    std::fs::remove_file(&path).unwrap();
    let folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
    for folder in folders {
        // One that is not empty stays.
        let _ = std::fs::remove_dir(folder);
    }
}

fn below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// An sshd on a loopback port whose accounts get SFTP only.
pub(crate) struct SshFar {
    _server: Service,
    sandbox: Sandbox,
    port: Port,
    /// Where ventana connects to.
    pub(crate) proxy: fault::Proxy,
    root: PathBuf,
}

impl SshFar {
    pub(crate) fn start() -> SshFar {
        let sandbox = Sandbox::new();
        let root = sandbox.path("copies/inventario");
        SshFar::at(sandbox, root)
    }

    /// The copies lie in `root`.
    pub(crate) fn at(sandbox: Sandbox, root: PathBuf) -> SshFar {
        let port = Port::reserve().unwrap();
        for name in ["host", "client"] {
            let keygen = program::find("ssh-keygen").unwrap();
            let key = sandbox.path(name);
            let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"];
            Process::within(&sandbox, keygen)
                .args(arguments)
                .arg(key)
                .run()
                .ok();
        }
        let public = |name: &str| std::fs::read_to_string(sandbox.path(name)).unwrap();
        sandbox.file("authorized", public("client.pub"));
        sandbox.file("known", format!("* {}", public("host.pub")));
        let work = sandbox.work().display();
        let config = format!(
            "ListenAddress 127.0.0.1:{}\nHostKey {work}/host\nAuthorizedKeysFile {work}/authorized\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin yes\nPidFile none\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\n",
            port.number()
        );
        sandbox.file("sshd_config", config);
        // Where sshd, as root, puts its unprivileged half; the package's service makes it at boot.
        let _ = std::fs::create_dir_all("/run/sshd");
        let server = Process::within(&sandbox, program::find("sshd").unwrap())
            .args(["-D", "-e", "-f"])
            .arg(sandbox.path("sshd_config"))
            .spawn();
        server.wait_line("Server listening");
        // The replica's own folder is made, nothing above it.
        std::fs::create_dir_all(root.parent().unwrap()).unwrap();
        SshFar {
            _server: server,
            proxy: fault::Proxy::to(port.number()),
            sandbox,
            port,
            root,
        }
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.sandbox.path("known")
    }

    /// Straight to the server, past the proxy.
    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }
}

impl Far for SshFar {
    fn configuration(&self) -> String {
        format!(
            "[replica.far]\nssh = \"127.0.0.1:{}\"\nport = {}\nidentity_file = \"{}\"\nknown_hosts = \"{}\"\n",
            self.root.display(),
            self.proxy.port(),
            self.sandbox.path("client").display(),
            self.known_hosts().display()
        )
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        below(&self.root)
    }

    fn put(&self, file: &str, content: &[u8]) {
        put(&self.root.join(file), content);
    }

    fn remove(&self, file: &str) {
        remove(&self.root, file);
    }
}

/// Key and secret of the bucket; moto takes any.
pub(crate) const S3_KEY: &str = "AKIAKEYOFTHETEST";
pub(crate) const S3_SECRET: &str = "secret-of-the-bucket-that-nobody-may-see";

/// A bucket of a real S3 server (moto) on a loopback port.
pub(crate) struct S3Far {
    _server: Service,
    port: Port,
    pub(crate) proxy: fault::Proxy,
}

impl S3Far {
    pub(crate) fn start() -> S3Far {
        let port = Port::reserve().unwrap();
        let server = Process::new(program::find("moto_server").unwrap())
            .args(["-H", "127.0.0.1", "-p", &port.number().to_string()])
            .spawn();
        let far = S3Far {
            proxy: fault::Proxy::to(port.number()),
            _server: server,
            port,
        };
        far._server
            .wait_url(&format!("http://127.0.0.1:{}/moto-api/", far.port.number()));
        far.send("PUT", "", b"");
        far
    }

    /// A request straight to the server.
    fn send(&self, method: &str, path: &str, body: &[u8]) -> http::Response {
        let url = format!("http://127.0.0.1:{}/copies{path}", self.port.number());
        let answer = http::Request::new(method, &url)
            .body("application/octet-stream", body.to_vec())
            // Somebody, with a signature that moto does not look at: what is private is not given to nobody.
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=TEST/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
            )
            .timeout(Duration::from_secs(20))
            .send()
            .unwrap();
        assert!((200..300).contains(&answer.status), "{method} {url}: {answer:?}");
        answer
    }
}

impl Far for S3Far {
    fn configuration(&self) -> String {
        format!(
            "[replica.far]\ns3 = {{ bucket = \"copies\", endpoint = \"http://127.0.0.1:{}\", prefix = \"site/inventario\" }}\n",
            self.proxy.port()
        )
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let listed = self.send("GET", "?list-type=2&prefix=site/inventario/", b"");
        let text = listed.text();
        let keys = text
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split("</Key>").next());
        keys.map(|key| {
            let name = key.strip_prefix("site/inventario/").unwrap().to_owned();
            (name, self.send("GET", &format!("/{key}"), b"").body.clone())
        })
        .collect()
    }

    fn put(&self, file: &str, content: &[u8]) {
        self.send("PUT", &format!("/site/inventario/{file}"), content);
    }

    fn remove(&self, file: &str) {
        self.send("DELETE", &format!("/site/inventario/{file}"), b"");
    }
}
