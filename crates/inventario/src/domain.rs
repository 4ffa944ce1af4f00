//! What the inventory means, apart from HTTP and SQL: pure functions that parse, validate, hide and refuse.

pub mod activo;
pub mod change;
pub mod especificaciones;
pub mod fields;
pub mod json_tree;
pub mod mantenimiento;
pub mod query;
pub mod raw_json;
pub mod review;
pub mod sensitive;
