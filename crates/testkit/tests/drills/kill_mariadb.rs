//! kill_mariadb
