//! The table of instructions: what `ci/bench --instructions` counted of ours and of the floor.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use conformance::{Lua, repository};

use super::table::emphasized;
use crate::statistics::median;

/// The counted programs, whose first lines say what they are and how many instructions are wanted.
const PROGRAMS: &str = "ci/bench.d";
/// What the script calls its results.
const OURS: &str = "instructions.json";
const FLOOR: &str = "floor.json";

/// By version and program, a count for each round.
type Counts = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// A counted program.
struct Program {
    name: String,
    title: String,
    wanted: Option<f64>,
}

/// The table of what is in `directory` for the version that the floor is for; `None` if ours was not counted.
pub(super) fn markdown(directory: &Path) -> io::Result<Option<String>> {
    let counts = |file| -> io::Result<_> {
        let mut all = load(&directory.join(file))?;
        Ok(all.remove(Lua::Lua54.name()).unwrap_or_default())
    };
    let (ours, floor) = (counts(OURS)?, counts(FLOOR)?);
    if ours.is_empty() {
        return Ok(None);
    }
    let programs = programs(&repository().join(PROGRAMS))?;
    Ok(Some(table(&programs, &ours, &floor)))
}

fn load(path: &Path) -> io::Result<Counts> {
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Counts::new()),
        Err(error) => Err(error),
    }
}

/// What is in `folder`, in the order of the names.
fn programs(folder: &Path) -> io::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_stem() else {
            continue;
        };
        let text = fs::read_to_string(&path)?;
        let program = Program::read(&name.to_string_lossy(), &text);
        programs
            .push(program.map_err(|what| io::Error::other(format!("{}: {what}", path.display())))?);
    }
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(programs)
}

impl Program {
    /// Reads the comment lines `-- KEY: value`.
    fn read(name: &str, text: &str) -> Result<Program, &'static str> {
        let header = |key| {
            let mut lines = text.lines();
            lines.find_map(|line| {
                line.strip_prefix("-- ")?
                    .strip_prefix(key)?
                    .strip_prefix(": ")
            })
        };
        let wanted = header("wanted").map(str::parse).transpose();
        Ok(Program {
            name: name.into(),
            title: header("title").ok_or("no title")?.into(),
            wanted: wanted.map_err(|_| "what is wanted is no number")?,
        })
    }
}

fn table(
    programs: &[Program],
    ours: &BTreeMap<String, Vec<f64>>,
    floor: &BTreeMap<String, Vec<f64>>,
) -> String {
    let mut text = format!("Medians: ours of {}", runs(ours));
    if !floor.is_empty() {
        let _ = write!(text, ", at least of {}", runs(floor));
    }
    let _ = write!(
        text,
        ".\n\n| operation, {} | ours | wanted | at least |\n| --- | --: | --: | --: |\n",
        Lua::Lua54
    );
    for program in programs {
        let Some(counts) = ours.get(&program.name) else {
            continue;
        };
        let mut own = grouped(median(counts));
        if program
            .wanted
            .is_some_and(|most| counts.iter().all(|count| *count > most))
        {
            own = emphasized(own);
        }
        let or_none = |count: Option<f64>| count.map_or("-".to_string(), grouped);
        let _ = writeln!(
            text,
            "| {} | {own} | {} | {} |",
            program.title,
            or_none(program.wanted),
            or_none(floor.get(&program.name).map(|counts| median(counts))),
        );
    }
    text
}

/// How often each program was counted.
fn runs(counts: &BTreeMap<String, Vec<f64>>) -> String {
    match counts.values().map(Vec::len).min() {
        Some(1) => "1 run".into(),
        count => format!("{} runs", count.unwrap_or(0)),
    }
}

/// A whole number with commas between thousands.
fn grouped(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(header: &str, ours: &[f64], floor: &[f64]) -> String {
        let program = Program::read("pingpong", header).unwrap();
        let counts = |counts: &[f64]| match counts {
            [] => BTreeMap::new(),
            counts => [("pingpong".to_string(), counts.to_vec())].into(),
        };
        let text = table(&[program], &counts(ours), &counts(floor));
        text.lines().last().unwrap().to_string()
    }

    const HEADER: &str =
        "-- title: there and back\n-- limit: 4950\n-- wanted: 3000\n--\n-- Two tasks.\n";

    #[test]
    fn a_row_has_medians() {
        let row = row(HEADER, &[4855.0, 2900.0, 4900.0], &[2950.0, 950.0]);
        assert_eq!(row, "| there and back | 4,855 | 3,000 | 1,950 |");
    }

    #[test]
    fn what_is_above_what_is_wanted_in_every_round_is_emphasized() {
        let row = row(HEADER, &[4855.0, 3001.0, 4900.0], &[2950.0]);
        assert_eq!(row, "| there and back | **4,855** | 3,000 | 2,950 |");
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let row = row("-- title: there and back\n", &[1_004_855.0], &[]);
        assert_eq!(row, "| there and back | 1,004,855 | - | - |");
        assert!(Program::read("untitled", "-- wanted: 1\n").is_err());
        assert!(Program::read("vague", "-- title: x\n-- wanted: few\n").is_err());
    }

    #[test]
    fn every_counted_program_has_a_title() {
        let programs = programs(&repository().join(PROGRAMS)).unwrap();
        assert!(
            programs
                .iter()
                .any(|program| program.name == "pingpong" && program.wanted.is_some())
        );
    }

    #[test]
    fn results_are_read_as_the_script_writes_them() {
        let folder = std::env::temp_dir().join(format!("cosock-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(OURS);
        assert_eq!(markdown(&folder).unwrap(), None);
        fs::write(&file, "{\n  \"5.1\": {\"sleep\": [1]},\n  \"5.4\": {\"sleep\": [778, 780, 790], \"line\": [1, 1, 1]}\n}\n")
            .unwrap();
        let text = markdown(&folder).unwrap();
        fs::write(&file, "{").unwrap();
        let broken = markdown(&folder);
        fs::remove_dir_all(&folder).unwrap();
        let text = text.unwrap();
        assert!(text.starts_with("Medians: ours of 3 runs.\n"), "{text}");
        assert!(text.contains(" | 780 | "), "{text}");
        assert!(broken.unwrap_err().to_string().contains(OURS));
    }
}
