//! What an unkilled window on the same data shows: the two right states, and the records on the way.

use testkit::mariadb::Rows;

use crate::world_mariadb::{Journal, State, World};

/// The two right states, and the journal that led from one to the other.
pub(crate) struct Known {
    pub(crate) start: State,
    pub(crate) end: State,
    grants: Rows,
    pub(crate) journal: Journal,
}

impl Known {
    /// From an unkilled window, at whose end the world then stands.
    #[track_caller]
    pub(crate) fn of(world: &World) -> Known {
        let (start, grants) = (world.state(), world.grants());
        world.json(&["run"]).ok();
        let (end, journal) = (world.state(), world.journal());
        assert!(!end.same(&start));
        Known {
            start,
            end,
            grants,
            journal,
        }
    }

    /// Where a process is killed that is at `step`: behind its beginning (nothing is done), behind the last thing that it
    /// wrote down (it is about to act), and before its end (it has acted, and nobody has written so).
    pub(crate) fn places(&self, step: &str) -> Vec<String> {
        let seqs = self.seqs(step);
        let (first, last) = (seqs[0], seqs[seqs.len() - 1]);
        let mut places = vec![format!("after:{}", last - 1), format!("before:{last}")];
        if first + 1 < last {
            places.insert(0, format!("after:{first}"));
        }
        places
    }

    /// [`Known::places`] with every other record of the step.
    pub(crate) fn all_places(&self, step: &str) -> Vec<String> {
        let seqs = self.seqs(step);
        let last = seqs[seqs.len() - 1];
        let after = seqs.iter().map(|seq| format!("after:{seq}"));
        after.chain([format!("before:{last}")]).collect()
    }

    fn seqs(&self, step: &str) -> Vec<u64> {
        let of_step = self
            .journal
            .records
            .iter()
            .filter(|record| record["step"] == step);
        let seqs: Vec<u64> = of_step.filter_map(|record| record["seq"].as_u64()).collect();
        assert!(seqs.len() >= 2, "step {step} is not in the journal");
        seqs
    }

    #[track_caller]
    pub(crate) fn assert_start(&self, world: &World, context: &str) {
        let now = world.state();
        now.assert_same(&self.start, context);
        assert_eq!(world.health(), ("r1".into(), 1), "{context}");
        self.assert_clean(world, context);
        for (now, then) in now.counters.iter().zip(&self.start.counters) {
            let number =
                |counter: &Option<String>| counter.as_ref().and_then(|text| text.parse::<u64>().ok());
            assert!(
                number(&now[1]) >= number(&then[1]),
                "{context}: {now:?} is lower than {then:?}"
            );
        }
    }

    #[track_caller]
    pub(crate) fn assert_end(&self, world: &World, context: &str) {
        world.state().assert_same(&self.end, context);
        assert_eq!(world.health(), ("r2".into(), 2), "{context}");
        self.assert_clean(world, context);
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self, world: &World, context: &str) {
        world.assert_unfenced(&self.grants, context);
        world.assert_no_scratch(context);
        let ours = "SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE USER='ventana'";
        assert_eq!(
            world.server.query(ours),
            Rows::new(),
            "{context}: sessions left behind"
        );
    }
}
