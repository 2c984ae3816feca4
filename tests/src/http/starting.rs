//! What a server refuses at its start, by name and before anything is written.

use crate::harness::server::{Database, Server, root, target};

#[test]
fn a_lost_or_foreign_key_is_named_and_nothing_is_put_in_its_place() {
    for name in ["vault", "platform", "log"] {
        let mut server = Server::start(Database::Sqlite);
        let key = server.folder.path().join("keys").join(name);
        let aside = server.folder.path().join("aside");
        server.stop();
        std::fs::rename(&key, &aside).expect("moved");
        let said = server.refuses_to_start_with("SEEDMARK_LOG", "warn");
        assert!(said.contains(name) && said.contains("is missing"), "{said}");
        assert!(!key.exists(), "{name}: no other key was made");
        std::fs::write(&key, "11".repeat(32)).expect("another key");
        let said = server.refuses_to_start_with("SEEDMARK_LOG", "warn");
        assert!(said.contains("is not the one"), "{said}");
        std::fs::rename(&aside, &key).expect("put back");
        server.start_again();
    }
}

#[test]
fn a_second_server_on_a_folder_is_refused_and_the_first_goes_on() {
    let mut server = Server::start(Database::Sqlite);
    let (site, public) = (target().join("site"), root().join("public"));
    let (site, public) = (site.to_string_lossy(), public.to_string_lossy());
    let places = ["--site", &site, "--public", &public];
    let second = server.command(&[&["serve", "--no-demo", "--port", "0"], &places[..]].concat());
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("is served already by process"), "{said}");
    assert!(!server.has_ended());
}
