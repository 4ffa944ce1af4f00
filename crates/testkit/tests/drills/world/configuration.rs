//! The `ventana.toml` of a scene on SQLite.

use std::path::Path;

/// Everything but `[migration]`: with it a deployment of `release` becomes a window.
pub(super) fn text(folder: &Path, port: u16, release: &str) -> String {
    let folder = folder.display();
    let settings = format!(
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
"#
    );
    let fence = format!("{folder}/fence/inventario.fence");
    let database = format!("sqlite://{folder}/inventario.db");
    let environment = [("FENCE_FILE", fence.as_str()), ("DATABASE_URL", &database)];
    settings + &testkit::fixtures::service(&["{current}/inventario", "serve"], &environment, port)
}
