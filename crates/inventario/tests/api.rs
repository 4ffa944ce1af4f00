//! The HTTP face in process, on SQLite and on MariaDB: a file per resource.

mod api {
    mod activos;
    mod activos_write;
    mod fence;
    mod lectura;
    mod migration;
    mod revision;
    mod salud;
    mod swap;
    mod usuarios;
    mod world;
}
