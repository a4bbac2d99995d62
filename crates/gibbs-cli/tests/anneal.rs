//! `gibbs anneal` as a stranger runs it.

mod common;

use common::{bytes, gibbs, json, ok, text};

/// Ten variables in a ring that dislike their neighbours: five of ten is best, in two ways.
fn ring() -> String {
    let nodes = (0..10).map(|i| format!("{i} {i} -1"));
    let couplers = (0..10).map(|i| format!("{} {} 2", i.min((i + 1) % 10), i.max((i + 1) % 10)));
    let lines: Vec<String> = nodes.chain(couplers).collect();
    format!("c ring\np qubo 0 10 10 10\n{}\n", lines.join("\n"))
}

#[test]
fn a_problem_is_solved_and_said_how_surely() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("ring.qubo"), ring()).unwrap();
    for line in ["anneal ring.qubo --reads 40 --sweeps 100", "anneal ring.qubo --method tempering --reads 4 --levels 5"]
    {
        let found = json(d, &format!("{line} --json"));
        assert_eq!(found["energy"], -5.0);
        assert!(["1010101010", "0101010101"].contains(&found["state"].as_str().unwrap()));
        assert_eq!((found["exact"]["energy"].as_f64(), found["exact"]["states"].as_u64()), (Some(-5.0), Some(2)));
        let p = &found["ground_state_probability"];
        assert!(p["value"].as_f64() > p["lower"].as_f64() && p["upper"].as_f64() <= Some(1.0));
        assert!(found["time_to_solution"].as_f64() > Some(0.0));
    }
    let said = ok(d, "anneal ring.qubo --reads 3 --sweeps 100 --out states.csv");
    assert!(said.contains("lowest energy    -5") && said.contains("exact"), "{said}");
    let states = text(&bytes(d, "states.csv"));
    assert!(states.starts_with("energy,x0,x1") && states.lines().count() == 4, "{states}");
    ok(d, "anneal ring.qubo --reads 3 --sweeps 100 --out again.csv --threads 1");
    assert_eq!(bytes(d, "states.csv"), bytes(d, "again.csv"));
}

#[test]
fn what_is_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("twice.qubo"), "0 1 1\n1 0 2\n").unwrap();
    std::fs::write(d.join("ring.qubo"), ring()).unwrap();
    for (line, status, words) in [
        ("anneal twice.qubo", 4, "line 2"),
        ("anneal none.qubo", 4, "none.qubo"),
        ("anneal ring.qubo --hot 5 --cold 1", 2, "--hot"),
        ("anneal ring.qubo --reads 0", 2, "--reads"),
        ("anneal ring.qubo --method tempering --levels 1", 2, "levels"),
    ] {
        let output = gibbs(d, line);
        assert_eq!(output.status.code(), Some(status), "{line}");
        assert!(text(&output.stderr).contains(words), "{line}: {}", text(&output.stderr));
    }
}
