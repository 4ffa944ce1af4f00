//! Names of one schema rewritten to another.

use db::script::{Literals, Syntax, Unsafe, canonical, requalify, requalify_bytes};

fn rewritten(text: &str) -> String {
    requalify(text, Syntax::MARIADB, "own", "new`one").unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// In each text `{}` stands where the schema's name is rewritten; the others stay.
#[test]
fn only_schema_names_are_rewritten() {
    let texts = [
        "select `a`.`id` AS `id` from (`{}`.`t` `a` join `other`.`own` `b` on(`a`.`id` = `b`.`id`))",
        "select `{}`.`t`.`id` AS `id` from `{}`.`t`",
        "select own.id from own",
        "select own.id from {}.own where own.x = {}.own.y",
        "select a.own, own.* from t own join {}.u on own.a = u.own, {}.w",
        "select x from a, {}.b, (select y from {}.c) d where own in (1)",
        "select extract(day from own.x), trim(both from own.y) from own",
        "select {}.f(1), f(own.x) from own",
        "insert into {}.t (own, b) select own.a from {}.x own",
        "insert into {}.t set a=1 on duplicate key update own=1",
        "replace {}.t values (1)",
        "update {}.t set own=1, {}.t.b=2 where c='x' ",
        "update t own join {}.u on own.a=u.a set own.b=1",
        "delete from {}.t where own=1",
        "delete {}.t, own.* from {}.t join {}.x own",
        "delete from {}.t using {}.t join u",
        "create table {}.t (own int, constraint c foreign key (own) references {}.u (own))",
        "create table t like {}.u",
        "create trigger {}.tr before insert on {}.t for each row begin insert into {}.log values (NEW.own, own.f); select 1 into own from {}.z; end",
        "create trigger tr after update on {}.t for each row follows own update {}.u set a=NEW.a where u.own=1",
        "create procedure {}.p() begin declare own row type of {}.t; set own.a = 1; call {}.q(own.a); if exists (select 1 from {}.z) then truncate {}.w; end if; end",
        "create function f() returns int return (select nextval({}.s) + next value for {}.s)",
        "create event {}.e on schedule every 1 day do delete from {}.t",
        "create view {}.v as select 1 from {}.a natural left outer join {}.b",
        "lock tables {}.a read, {}.b write",
        "rename table {}.a to {}.b, c to {}.d",
        "drop table if exists {}.a, {}.b",
        "alter table {}.a rename to {}.b",
        "create index i on {}.t (own)",
        "/*!50001 CREATE VIEW `{}`.`v` AS select 1 from `{}`.`t` */",
        "select 1 /* own.x */ from t -- own.x\n",
        "select @@own.x, @own.x, `own` from t",
        "select 1 as own union select own.a from {}.b own",
        "select 'wholly owned own' from {}.t",
        "create definer=`own`@`localhost` view {}.v as select 1",
        "with own as (select 1 from {}.t) select own.a from own",
        "select * from {}.a where a in (select own.x from {}.b own) and {}.a.y between own and 3",
    ];
    for text in texts {
        let before = text.replace("`{}`", "`own`").replace("{}", "own");
        let after = text.replace("`{}`", "`new``one`").replace("{}", "`new``one`");
        assert_eq!(rewritten(&before), after, "{before}");
        // What is rewritten there and back means the same as before.
        let back = requalify(&after, Syntax::MARIADB, "new`one", "own").unwrap();
        let (own, new) = (Some("own"), Some("new`one"));
        assert_eq!(
            canonical(&back, Syntax::MARIADB, own),
            canonical(&before, Syntax::MARIADB, own),
            "{text}"
        );
        assert_eq!(
            canonical(&after, Syntax::MARIADB, new),
            canonical(&before, Syntax::MARIADB, own),
            "{text}"
        );
    }
}

#[test]
fn strings_that_may_be_code_are_refused() {
    let refused = [
        "select 'own' from t",
        "select concat('insert into own', '.t') from `own`.t where x = 'own.t'",
        "create procedure p() begin prepare s from 'drop table x in own'; end",
        "create procedure p() execute immediate concat('use ', \"own\")",
        "select 'delete from `own`.`t`'",
        r"select 'x\nown.t'",
        "select 'OWN.t'",
    ];
    for text in refused {
        let error = requalify(text, Syntax::MARIADB, "own", "b").unwrap_err();
        assert!(matches!(error, Unsafe::Literal { .. }), "{text}: {error}");
        let kept = requalify_bytes(text.as_bytes(), Syntax::MARIADB, "own", "b", Literals::Keep);
        assert!(kept.is_ok(), "{text}");
    }
    let fine = [
        "select 'my own words', 'owner.x', 'own. And so on', 'x_own.y', 'disown.z'",
        "create procedure p() comment 'own' select 1",
        "create table t (a int comment 'own.x')",
    ];
    for text in fine {
        assert_eq!(requalify(text, Syntax::MARIADB, "own", "b").unwrap(), text);
    }
}

#[test]
fn the_place_of_a_refused_string_is_told() {
    let text = "create procedure p()\nbegin\n  select 'own.t';\nend";
    match requalify(text, Syntax::MARIADB, "own", "b").unwrap_err() {
        Unsafe::Literal {
            schema,
            literal,
            line,
            position,
        } => {
            assert_eq!((schema.as_str(), literal.as_str(), line), ("own", "'own.t'", 3));
            assert_eq!(&text[position..position + 7], "'own.t'");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn another_case_of_the_name_is_refused() {
    let error = requalify("select 1 from Own.t", Syntax::MARIADB, "own", "b").unwrap_err();
    assert!(matches!(error, Unsafe::Name { .. }), "{error}");
}

#[test]
fn sqlite() {
    let text = "CREATE TRIGGER main.tr AFTER INSERT ON t BEGIN INSERT INTO main.\"log\" SELECT main.t.a FROM [main].t; END";
    assert_eq!(
        requalify(text, Syntax::SQLITE, "main", "aux").unwrap(),
        "CREATE TRIGGER `aux`.tr AFTER INSERT ON t BEGIN INSERT INTO `aux`.\"log\" SELECT `aux`.t.a FROM `aux`.t; END"
    );
}
