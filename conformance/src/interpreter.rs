//! The Lua versions that cosock is built for, and the stock interpreter of each.

use std::env;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::module;

/// A Lua version. To add one: a variant, its place in [`Lua::ALL`], its row in `Lua::row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lua {
    /// PUC Lua 5.1
    Lua51,
    /// PUC Lua 5.2
    Lua52,
    /// PUC Lua 5.3
    Lua53,
    /// PUC Lua 5.4
    Lua54,
    /// PUC Lua 5.5
    Lua55,
    /// LuaJIT 2.1, without its 5.2 compatibility
    LuaJit,
}

/// What belongs to one version.
struct Row {
    name: &'static str,
    interpreter: &'static str,
    debian_package: Option<&'static str>,
    module_package: &'static str,
    runner_feature: &'static str,
}

impl Lua {
    /// Every version, oldest first.
    pub const ALL: [Lua; 6] = [
        Lua::Lua51,
        Lua::Lua52,
        Lua::Lua53,
        Lua::Lua54,
        Lua::Lua55,
        Lua::LuaJit,
    ];

    #[rustfmt::skip]
    fn row(self) -> Row {
        let (name, interpreter, debian_package, module_package, runner_feature) = match self {
            Lua::Lua51 => ("5.1", "lua5.1", Some("lua5.1"), "cosock-lua51", "lua51"),
            Lua::Lua52 => ("5.2", "lua5.2", Some("lua5.2"), "cosock-lua52", "lua52"),
            Lua::Lua53 => ("5.3", "lua5.3", Some("lua5.3"), "cosock-lua53", "lua53"),
            Lua::Lua54 => ("5.4", "lua5.4", Some("lua5.4"), "cosock-lua54", "lua54"),
            Lua::Lua55 => ("5.5", "lua5.5", None, "cosock-lua55", "lua55"),
            Lua::LuaJit => ("luajit", "luajit", Some("luajit"), "cosock-luajit", "luajit"),
        };
        Row { name, interpreter, debian_package, module_package, runner_feature }
    }

    /// What people and scripts call it: `5.4`, `luajit`; also its directory below `dist/`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The stock interpreter's program name; the path of our own plain one where none is packaged and
    /// none is installed.
    ///
    /// # Panics
    ///
    /// If our own cannot be built.
    pub fn interpreter(self) -> &'static Path {
        let name = self.row().interpreter;
        if self.debian_package().is_some() || is_installed(name) {
            Path::new(name)
        } else {
            module::plain_interpreter(self)
        }
    }

    /// The Debian package that brings the stock interpreter, if there is one.
    pub fn debian_package(self) -> Option<&'static str> {
        self.row().debian_package
    }

    /// The workspace member that builds the module for it.
    pub fn module_package(self) -> &'static str {
        self.row().module_package
    }

    /// The feature of `cosock-run` that builds it in.
    pub fn runner_feature(self) -> &'static str {
        self.row().runner_feature
    }

    /// Whether the rock runs on it: LuaSocket and LuaSec, on which it stands, are packaged for it.
    pub fn has_reference(self) -> bool {
        self != Lua::Lua55
    }

    /// Whether the tests of this run cover it: `COSOCK_TEST_LUA="5.1 luajit"` chooses, unset means all.
    ///
    /// # Panics
    ///
    /// If the variable names a version that does not exist: a typing error must not skip tests.
    pub fn is_selected(self) -> bool {
        let Ok(wanted) = env::var("COSOCK_TEST_LUA") else {
            return true;
        };
        for name in wanted.split_whitespace() {
            if let Err(problem) = name.parse::<Lua>() {
                panic!("COSOCK_TEST_LUA={wanted}: {problem}");
            }
        }
        wanted.split_whitespace().any(|name| name == self.name())
    }

    /// Where its row stands in a table that has one for each version.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

fn is_installed(program: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).any(|directory| directory.join(program).is_file())
}

impl FromStr for Lua {
    type Err = String;

    /// The version that people and scripts call so.
    fn from_str(name: &str) -> Result<Lua, String> {
        let found = Lua::ALL.into_iter().find(|lua| lua.name() == name);
        found.ok_or_else(|| format!("there is no Lua {name}"))
    }
}

impl fmt::Display for Lua {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lua::LuaJit => formatter.write_str("LuaJIT"),
            _ => write!(formatter, "Lua {}", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The scripts under `ci/` have a table of their own; both must say the same.
    #[test]
    fn table_is_that_of_ci() {
        let table = fs::read_to_string(crate::repository().join("ci/versions")).unwrap();
        let rows = table
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let theirs: Vec<Vec<&str>> = rows
            .map(|row| row.split_whitespace().take(4).collect())
            .collect();
        let ours = Lua::ALL.map(|lua| {
            let row = lua.row();
            let columns = [row.name, row.runner_feature, row.interpreter].into_iter();
            columns.chain(row.debian_package).collect::<Vec<_>>()
        });
        assert_eq!(theirs, ours);
    }

    #[test]
    fn module_package_follows_the_feature() {
        for lua in Lua::ALL {
            assert_eq!(
                lua.module_package(),
                format!("cosock-{}", lua.runner_feature())
            );
        }
    }

    #[test]
    fn index_is_the_place_in_the_list() {
        for (place, lua) in Lua::ALL.into_iter().enumerate() {
            assert_eq!(lua.index(), place);
        }
    }
}
