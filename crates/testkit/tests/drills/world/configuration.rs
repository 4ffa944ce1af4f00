//! The `ventana.toml` of a scene on SQLite.

use std::path::Path;

/// Everything but `[migration]`: with it a deployment of `release` becomes a window.
pub(super) fn text(folder: &Path, port: u16, release: &str) -> String {
    let folder = folder.display();
    format!(
        r#"service = "inventario"

[database]
url = "sqlite://{folder}/inventario.db"

[state]
dir = "state"

[backup]
dir = "backups"
off_site = "off-site"

[fence]
file = "{folder}/fence/inventario.fence"
retry_after = 7

[release]
root = "app"
source = "build/{release}"

[process]
exec = ["{{current}}/inventario", "serve"]
environment = {{ PORT = "{port}", FENCE_FILE = "{folder}/fence/inventario.fence", DATABASE_URL = "sqlite://{folder}/inventario.db" }}
pass_on = ["JWT_SECRET"]

[smoke]
url = "http://127.0.0.1:{port}"
within = 20
token = {{ secret_env = "JWT_SECRET", claims = {{ usuario = {{ id = 1, rol_id = 1 }} }} }}

[[smoke.check]]
name = "health"
path = "/healthz"
token = false
expect = {{ "/release" = "{{release}}", "/database" = "ok" }}

[[smoke.check]]
name = "list of assets"
path = "/api/activos?limit=1"
not_empty = ""
save = {{ serial = "/0/numero_serie" }}

[[smoke.check]]
name = "a write reaches the database and is refused there"
method = "POST"
path = "/api/activos"
body = {{ nombre = "smoke", numero_serie = "{{serial}}" }}
status = 409
write = true
"#
    )
}
