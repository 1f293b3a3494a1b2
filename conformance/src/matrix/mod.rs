//! The matrix: every scenario on every Lua, ours beside the rock, line by line.
//!
//! A [`Scenario`] is one Lua program that any implementation of cosock runs unchanged, and that
//! prints what it saw: its [`Trace`]. [`judge`] runs one on one subject and grades each line against
//! the rock's, which is run where it is at hand ([`rock`]), else read from `conformance/recorded`.
//! Every line that differs has to be in the [`Table`] of intended differences.

mod audit;
mod differences;
mod fingerprint;
mod grade;
mod memo;
mod newest;
mod recording;
mod reference;
mod scenario;
mod summary;
mod trace;
mod verdict;

pub use audit::{unused_lines, vague_lines};
pub use differences::{Difference, Line, Table, Variation};
pub use fingerprint::Fingerprint;
pub use grade::Grade;
pub use memo::Memo;
pub use newest::{NEWEST, unlisted_variations};
pub use recording::record;
pub use reference::{REVISION, Rock, Side, is_at_hand, rock, versions};
pub use scenario::{CHAPTERS, Chapter, Program, Scenario, Seen, Trouble, TroubleKind, scenarios};
pub use summary::{Counted, Tally, is_in_readme, summary, write_into_readme};
pub use trace::{ABSENT, Mismatch, Trace};
pub use verdict::{LineVerdict, POSITION_ENDINGS, Verdict, judge};
