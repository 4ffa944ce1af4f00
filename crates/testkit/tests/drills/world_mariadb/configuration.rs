//! The operator's `ventana.toml`.

use super::{SERVICE, World};

impl World {
    /// `ventana.toml` of this world.
    pub(crate) fn configuration(&self) -> String {
        let fence = self.path("fence/inventario.fence");
        let service = self.server.url("inventario", "del%20servicio", "inventario");
        format!(
            r#"service = "inventario"

[database]
url = "{admin}"

[state]
dir = "state"

[backup]
dir = "backups"
off_site = "off-site"

[fence]
file = "{fence}"
accounts = ["{SERVICE}"]
accept_writers = ["'root'@'localhost'", "'root'@'127.0.0.1'", "'root'@'{host}'", "'mariadb.sys'@'localhost'"]

[release]
root = "app"
source = "build/r2"

[process]
exec = ["/bin/sh", "{start}", "{{current}}"]
environment = {{ PORT = "{port}", FENCE_FILE = "{fence}", DATABASE_URL = "{service}", RUST_LOG = "warn" }}
pass_on = ["JWT_SECRET"]

[migration]
id = "0002_especificaciones_json"

[smoke]
url = "http://127.0.0.1:{port}"
within = 10
token = {{ secret_env = "JWT_SECRET", claims = {{ usuario = {{ id = 1, rol_id = 1 }} }} }}

[[smoke.check]]
name = "health"
path = "/healthz"
token = false
expect = {{ "/release" = "{{release}}", "/database" = "ok" }}

[[smoke.check]]
name = "list"
path = "/api/activos?limit=1"
not_empty = ""
save = {{ serial = "/0/numero_serie" }}

[[smoke.check]]
name = "a write reaches the database"
method = "POST"
path = "/api/activos"
body = {{ nombre = "smoke", numero_serie = "{{serial}}" }}
status = 409
write = true
"#,
            admin = self.server.url("ventana", "de%20ventana", "inventario"),
            host = self.server.value("SELECT @@hostname").unwrap(),
            start = self.path("start.sh").display(),
            fence = fence.display(),
            port = self.port.number(),
        )
    }
}
