//! `gibbs recall` as a stranger runs it.

mod common;

use common::{bytes, gibbs, json, ok, text};

#[test]
fn patterns_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("p.csv"), "a,b,c,d,e,f,g,h\n1,1,1,1,0,0,0,0\n1,0,1,0,1,0,1,0\n").unwrap();
    // The second query is the second pattern with its last cell turned.
    std::fs::write(d.join("q.csv"), "a,b,c,d,e,f,g,h\n1,1,1,0,0,0,0,0\n1,0,1,0,1,0,1,1\n").unwrap();
    for rule in ["hebbian", "projection", "storkey", "polynomial", "exponential"] {
        let found = json(d, &format!("recall p.csv q.csv --rule {rule} --out r.csv --json"));
        let q = &found["queries"];
        for k in 0..2 {
            assert_eq!((q[k]["pattern"].as_u64(), q[k]["overlap"].as_f64()), (Some(2 + k as u64), Some(1.0)), "{rule}");
            assert!(q[k]["converged"] == true && q[k]["energy"].is_number() && q[k]["sweeps"].as_u64() >= Some(1));
        }
        assert_eq!(text(&bytes(d, "r.csv")), text(&bytes(d, "p.csv")), "{rule}");
    }
    std::fs::write(d.join("s.csv"), "1,1,1,-1,-1,-1,-1,-1\n").unwrap();
    ok(d, "recall p.csv s.csv --rule projection --out r.csv");
    assert!(text(&bytes(d, "r.csv")).ends_with("1,1,1,1,-1,-1,-1,-1\n"));
    assert!(ok(d, "recall p.csv q.csv --rule hebbian").contains("more than Hebb's rule holds"));
    let found = json(d, "recall p.csv q.csv --rule modern --beta 8 --json");
    assert!(found["queries"][0]["pattern"] == 2 && found["queries"][0]["overlap"].as_f64() > Some(0.99));
}

#[test]
fn what_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("p.csv"), "1,0,1\n1,0,1\n").unwrap();
    std::fs::write(d.join("two.csv"), "1,0\n").unwrap();
    std::fs::write(d.join("grey.csv"), "1,0,0.5\n").unwrap();
    std::fs::write(d.join("hole.csv"), "1,,0\n").unwrap();
    for (line, status, words) in [
        ("recall p.csv two.csv", 2, "same columns"),
        ("recall p.csv grey.csv", 2, "0.5 is not 0 or 1"),
        ("recall p.csv hole.csv", 3, "missing"),
        ("recall p.csv none.csv", 3, "none.csv"),
        ("recall p.csv p.csv --rule projection", 2, "linear combination"),
        ("recall p.csv p.csv --rule polynomial --degree 1", 2, "degree 1"),
        ("recall p.csv p.csv --beta 0", 2, "beta is 0"),
    ] {
        let output = gibbs(d, line);
        assert_eq!(output.status.code(), Some(status), "{line}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(words), "{line}: {}", text(&output.stderr));
    }
}
