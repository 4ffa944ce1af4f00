//! What a server lacks before a schema can be restored to it: found before anything is written.
