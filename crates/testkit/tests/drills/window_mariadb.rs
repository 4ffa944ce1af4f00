//! window_mariadb
