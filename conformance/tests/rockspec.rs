//! The rockspec is that of the version that is built. That it installs, `ci/jobs/luarocks` shows.

use std::fs;

use conformance::repository;

#[test]
fn rockspec_has_the_version_that_is_built() {
    let entries = fs::read_dir(repository()).expect("the repository can be read");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let rockspecs: Vec<_> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".rockspec"))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(rockspecs, [format!("cosock-{version}-1.rockspec")]);
    let text = fs::read_to_string(repository().join(&rockspecs[0])).expect("it can be read");
    assert!(
        text.contains(&format!("version = \"{version}-1\"\n")),
        "{text}"
    );
}
