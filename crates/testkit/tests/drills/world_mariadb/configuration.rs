//! The operator's `ventana.toml`.

use super::{SERVICE, World};

impl World {
    /// `ventana.toml` of this world.
    pub(crate) fn configuration(&self) -> String {
        let fence = self.path("fence/inventario.fence");
        let service = self.server.url("inventario", "del%20servicio", "inventario");
        let settings = format!(
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

[migration]
id = "0002_especificaciones_json"
"#,
            admin = self.server.url("ventana", "de%20ventana", "inventario"),
            host = self.server.value("SELECT @@hostname").unwrap(),
            fence = fence.display(),
        );
        let (start, fence) = (
            self.path("start.sh").display().to_string(),
            fence.display().to_string(),
        );
        let environment = [
            ("FENCE_FILE", fence.as_str()),
            ("DATABASE_URL", &service),
            ("RUST_LOG", "warn"),
        ];
        settings
            + &testkit::fixtures::service(
                &["/bin/sh", &start, "{current}"],
                &environment,
                self.port.number(),
            )
    }
}
