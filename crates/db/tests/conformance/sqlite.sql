CREATE TABLE classes (id INTEGER PRIMARY KEY, any, t TEXT, i INTEGER, r REAL, n NUMERIC, b BLOB);
INSERT INTO classes VALUES
 (-9223372036854775808, -9223372036854775808, '', 0, 0.1, 1.5, X''),
 (0, 9223372036854775807, 'it''s', 9223372036854775807, 1.7976931348623157e308, 12345678901234567890, X'00'),
 (1, 0.1, 'NULL', 1.5, 9e999, 9e999, 'text in a blob column'),
 (2, -9e999, X'00FF', 'text in an integer column', 'text in a real column', 'text', 5),
 (3, 9e999 - 9e999, NULL, NULL, 9e999 * 0, NULL, 2.5),
 (4, CAST(X'610062' AS TEXT), CAST(X'00' AS TEXT), X'31', X'32', X'33', CAST(X'FF00' AS TEXT)),
 (5, CAST(X'80FFC328' AS TEXT), 'ñ 😀' || char(9,10,13,26,92,34,39), 3.0, 3, 3.0, zeroblob(300)),
 (6, 5e-324, '12', '12', '12', '12', '12'),
 (7, 0.30000000000000004, '1e3', '1e3', '1e3', '1e3', '1e3'),
 (8, 2.2250738585072014e-308, ' 5', ' 5', ' 5', ' 5', ' 5'),
 (9, 1e22, 1e23, 1e22, 1e23, 1e300, 9007199254740993.0),
 (9223372036854775807, 3.0, 3, 3, 3, 3, 3);
CREATE TABLE reals (v REAL, w);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO reals SELECT (i * 7919 % 1000003) / 997.0 * CASE i % 5 WHEN 0 THEN 1e-300 WHEN 1 THEN 1e290 ELSE 1 END, -i / 7.0 FROM n;
CREATE TABLE sequenced (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT COLLATE NOCASE DEFAULT 'a,(b');
INSERT INTO sequenced(id, x) VALUES (0, 'zero'), (7, 'seven'), (900, 'gone');
DELETE FROM sequenced WHERE id = 900;
CREATE TABLE "never used" (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE keyless (a, b);
INSERT INTO keyless VALUES (1, 'dup'), (1, 'dup'), (1, 'dup'), (NULL, NULL), (NULL, NULL), (1.0, 'dup'), ('1', 'dup');
CREATE TABLE empty_one (id INTEGER PRIMARY KEY, x);
CREATE TABLE without_rowid (a TEXT, b INTEGER, c, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
INSERT INTO without_rowid VALUES ('x', 1, 1.5), ('y', 1, NULL), ('x', 2, X'01');
CREATE TABLE strict_one (i INT, t TEXT, a ANY, r REAL, b BLOB) STRICT;
INSERT INTO strict_one VALUES (1, '1', '1', 1, X'31'), (2, '', 1.0, -0.5, X''), (NULL, NULL, X'00', NULL, NULL);
CREATE TABLE generated (id INTEGER PRIMARY KEY, a INTEGER, s TEXT GENERATED ALWAYS AS (a || '-') STORED, v AS (a * 2));
INSERT INTO generated(a) VALUES (1), (2), (NULL);
CREATE TABLE "we""ird. näme" ("select" INTEGER PRIMARY KEY, "a.b" TEXT, [sp ace] INTEGER, `back` TEXT, "ñ😀" TEXT, "check" INT CHECK ("check" > 0 OR "check" IS NULL));
INSERT INTO "we""ird. näme" VALUES (1, 'x', 2, 'y', 'z', NULL), (2, NULL, NULL, NULL, NULL, 5);
CREATE TABLE parent (id INTEGER PRIMARY KEY, child_id INTEGER REFERENCES child (id) ON DELETE SET NULL, name TEXT UNIQUE);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, boss INTEGER, FOREIGN KEY (parent_id) REFERENCES parent (id), CONSTRAINT boss_fk FOREIGN KEY (boss) REFERENCES child (id));
INSERT INTO parent VALUES (1, 2, 'p'), (2, 1, 'q');
INSERT INTO child VALUES (1, 1, 2), (2, 2, 1), (3, 1, 3);
CREATE TABLE "sqliteish" (x);
INSERT INTO sqliteish VALUES ('not the engine''s own');
CREATE UNIQUE INDEX partial ON keyless (a) WHERE b = 'no such';
CREATE INDEX expression ON classes (lower(t), n DESC);
CREATE INDEX "odd name" ON "we""ird. näme" ("a.b" COLLATE RTRIM);
CREATE VIEW z_first AS SELECT id, any AS a FROM classes; -- comment
CREATE VIEW ends_in_a_comment AS SELECT 1 AS one -- said
;
CREATE VIEW a_last AS SELECT * FROM z_first WHERE a > 0;
CREATE TRIGGER t1 AFTER INSERT ON keyless WHEN new.a > 100 BEGIN INSERT INTO empty_one(x) VALUES ('one;'); UPDATE empty_one SET x = 'two' WHERE id = 5; END;
CREATE TRIGGER t0 INSTEAD OF DELETE ON a_last BEGIN DELETE FROM classes WHERE id = old.id; END;
PRAGMA user_version=42;
PRAGMA application_id=-7;
