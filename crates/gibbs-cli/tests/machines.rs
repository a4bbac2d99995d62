//! Machines of other units than bits, Boltzmann machines and imputation, as a stranger runs them.

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::{bytes, gibbs, json, ok, survives_kills, text};

/// A table of categories: colour decides shape nine times of ten, size is its own.
fn categories(dir: &Path) {
    let mut table = "colour,shape,size\n".to_string();
    for i in 0..300u32 {
        let (colour, shape) = [("red", "round"), ("green", "square"), ("dark, blue", "flat")][(i % 3) as usize];
        let shape = if i % 10 == 0 { "round" } else { shape };
        let size = if i * 7 % 4 < 2 { 1 } else { 2 };
        _ = writeln!(
            table,
            "{},{shape},{size}",
            if colour.contains(',') { format!("\"{colour}\"") } else { colour.into() }
        );
    }
    std::fs::write(dir.join("t.csv"), table).unwrap();
}

/// Two real columns, the second near three times the first.
fn real(dir: &Path) {
    let mut table = "a,b\n".to_string();
    for i in 0..400 {
        let a = f64::from((i * 37) % 400) / 100.0 - 2.0;
        _ = writeln!(table, "{a},{}", 3.0 * a + 0.5 * f64::from((i * 53) % 100) / 100.0);
    }
    std::fs::write(dir.join("r.csv"), table).unwrap();
}

fn mean(e: &serde_json::Value) -> f64 {
    e["log_likelihood"]["mean"].as_f64().unwrap()
}

#[test]
fn tables_of_categories() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    categories(d);
    let fit = gibbs(d, "fit t.csv --hidden 4 --epochs 150 --out run");
    assert!(fit.status.success(), "{}", text(&fit.stderr));
    assert!(text(&fit.stderr).contains("categorical RBM 7 x 4"), "{}", text(&fit.stderr));
    let e = json(d, "eval run t.csv --json");
    // Independent columns have at most ln 3 + ln 3 + ln 2 = 2.89 nats of entropy to lose; colour tells most of the shape.
    assert!(e["log_z"]["bias"] == "exact" && mean(&e) > -2.3, "{e}");
    assert!(e["pseudo_log_likelihood"].is_number());
    ok(d, "sample run -n 20 --steps 50 --out s.csv");
    // What is written is read again as the same categories.
    assert!(json(d, "eval run s.csv --json")["n"] == 20);
    ok(d, "score run t.csv --out scores.csv");
    assert!(ok(d, "info run").contains("3 categorical columns (7 units) x 4 hidden units"));
    let write = |name: &str, table: &str| std::fs::write(d.join(name), table).unwrap();
    write("new.csv", "colour,shape,size\nred,round,1\nred,oval,2\n");
    let unseen = gibbs(d, "eval run new.csv");
    let message = text(&unseen.stderr);
    assert!(unseen.status.code() == Some(3) && message.contains("row 3, column \"shape\": \"oval\""), "{message}");
    write("one.csv", "a,b\nx,y\nx,z\n");
    let constant = gibbs(d, "fit one.csv --visible categorical --out x");
    assert!(text(&constant.stderr).contains("column \"a\" has 1 different values"), "{}", text(&constant.stderr));
    let npy = gibbs(d, "sample run --out s.npy");
    assert!(npy.status.code() == Some(2) && text(&npy.stderr).contains(".csv"));

    write("holes.csv", "colour,shape,size\nred,?,1\n,flat,2\ngreen,square,1\n");
    let found = json(d, "impute run holes.csv -o full.csv --json");
    assert!(found["missing"] == 2 && found["exact"] == 2 && found["untrusted"] == 0, "{found}");
    assert_eq!(found["cells"][0]["value"], "round");
    assert_eq!(found["cells"][1]["value"], "dark, blue");
    let total: f64 =
        found["cells"][0]["probabilities"].as_array().unwrap().iter().map(|p| p[1].as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-9);
    assert!(text(&bytes(d, "full.csv")).contains("\"dark, blue\",flat,2"));
    assert_eq!(text(&bytes(d, "full.cells.csv")).lines().count(), 3);
    write("unseen.csv", "colour,shape,size\nred,?,9\n");
    assert!(text(&gibbs(d, "impute run unseen.csv -o x.csv").stderr).contains("row 2, column \"size\": \"9\""));
    let seen = ok(d, "fit t.csv --hidden-units rectified --hidden 3 --epochs 20 --out rectified");
    assert!(seen.contains("train") && ok(d, "info rectified").contains("rectified hidden"));
}

#[test]
fn real_columns_by_gaussian_units() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    real(d);
    let fit = gibbs(d, "fit r.csv --model rbm --hidden 6 --epochs 120 --out run");
    assert!(fit.status.success(), "{}", text(&fit.stderr));
    assert!(text(&fit.stderr).contains("--visible gaussian"), "{}", text(&fit.stderr));
    let e = json(d, "eval run r.csv --json");
    // Two independent Gaussians of the columns' own deviations 1.15 and 3.47 have -4.23.
    assert!(e["log_z"]["bias"] == "exact" && mean(&e) > -3.8, "{e}");
    let ais = json(d, "eval run r.csv --log-z ais --json");
    let off = ais["log_z"]["value"].as_f64().unwrap() - e["log_z"]["value"].as_f64().unwrap();
    assert!(off.abs() < 5.0 * ais["log_z"]["std_err"].as_f64().unwrap() + 1e-6, "{off}");
    ok(d, "sample run -n 400 --steps 60 --out s.csv");
    assert!(mean(&json(d, "eval run s.csv --json")) > -6.0);
    std::fs::write(d.join("h.csv"), "a,b\n1.0,\n,-3\n0.5,1.5\n").unwrap();
    let found = json(d, "impute run h.csv -o full.csv --level 0.8 --draws 3200 --json");
    assert!(found["missing"] == 2 && found["cells"][0]["rhat"].is_number(), "{found}");
    let cell = |i: usize| found["cells"][i]["value"].as_str().unwrap().parse::<f64>().unwrap();
    assert!((cell(0) - 3.25).abs() < 1.5 && (cell(1) + 1.1).abs() < 1.0, "{found}");
    let interval = found["cells"][0]["interval"].as_array().unwrap();
    assert!(interval[0].as_f64().unwrap() < cell(0) && cell(0) < interval[1].as_f64().unwrap());
    std::fs::write(d.join("c.csv"), "a,b\n1.5,2\n1.5,3\n1.5,4\n").unwrap();
    let constant = gibbs(d, "fit c.csv --visible gaussian --out x");
    assert!(text(&constant.stderr).contains("column \"a\" is 1.5 in every training row"), "{}", text(&constant.stderr));
    for (flags, word) in [
        ("--visible gaussian --hidden-units rectified", "Z is infinite"),
        ("--visible gaussian --centred", "--centred"),
        ("--visible gaussian --classes a", "--classes"),
        ("--model mlp --visible gaussian", "--model rbm"),
        ("--visible counts", "a count"),
    ] {
        let refused = gibbs(d, &format!("fit r.csv {flags} --out x"));
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(word),
            "{flags}: {}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn documents_by_counts() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let mut table = "ball,goal,vote,law\n".to_string();
    for i in 0..120u32 {
        let (n, m) = (2 + i % 5, i % 2);
        _ = writeln!(table, "{},{},{},{}", m * n, m * (n - 1), (1 - m) * n, (1 - m) * (n + 1));
    }
    std::fs::write(d.join("docs.csv"), table).unwrap();
    ok(d, "fit docs.csv --visible counts --hidden 2 --epochs 1000 --out run");
    let e = json(d, "eval run docs.csv --json");
    assert!(e["log_z"]["value"] == 0.0 && mean(&e) < 0.0, "{e}");
    // Two topics split the words: what is left is how a topic's two words share the length, at most ln 7 nats here.
    assert!(mean(&e) > -3.5, "{e}");
    ok(d, "sample run -n 10 --steps 40 --out s.csv");
    assert!(json(d, "eval run s.csv --json")["n"] == 10);
    // Energies are normalised for each length: what is enclosed is 0.
    let found = json(d, "logz run --width 0.3 --moves 2000000 --json");
    let end = |k: &str| found["log_z"][k].as_f64().unwrap();
    assert!(end("lower") <= 0.0 && 0.0 <= end("upper") && end("upper") - end("lower") < 0.5, "{found}");
    let holes = gibbs(d, "impute run docs.csv -o x.csv");
    assert!(holes.status.code() == Some(2) && text(&holes.stderr).contains("counts are modelled given their sum"));
    std::fs::write(d.join("none.csv"), "ball,goal,vote,law\n1,0,0,0\n0,0,0,0\n").unwrap();
    let none = gibbs(d, "eval run none.csv");
    assert!(none.status.code() == Some(3) && text(&none.stderr).contains("row 3"), "{}", text(&none.stderr));
    assert_eq!(gibbs(d, "fit docs.csv --visible counts --objective exact --out x").status.code(), Some(2));
}

#[test]
fn a_machine_of_all_pairs() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "data make ising:side=3,beta=0.3 -n 600 --out ising.csv");
    let fit = gibbs(d, "fit ising.csv --model boltzmann --out run");
    assert!(text(&fit.stderr).contains("9 sites") || fit.status.success(), "{}", text(&fit.stderr));
    let exact = json(d, "eval run ising.csv --json");
    assert_eq!(exact["log_z"]["bias"], "exact");
    let ais = json(d, "eval run ising.csv --log-z ais --json");
    let off = ais["log_z"]["value"].as_f64().unwrap() - exact["log_z"]["value"].as_f64().unwrap();
    assert!(off.abs() < 5.0 * ais["log_z"]["std_err"].as_f64().unwrap() + 1e-6);
    // The other ways to learn come close to the optimum.
    for flags in ["--objective pseudo-likelihood", "--objective pcd", "--objective exact --optimiser adam"] {
        ok(
            d,
            &format!(
                "fit ising.csv --model boltzmann {flags} --epochs 60 --learning-rate 0.05 --out other --force --quiet"
            ),
        );
        let gap = mean(&exact) - mean(&json(d, "eval other ising.csv --json"));
        assert!(gap < 0.1, "{flags}: {gap}");
    }
    ok(d, "sample run -n 50 --steps 30 --out s.npy");
    let mut holes = text(&bytes(d, "ising.csv"));
    holes.truncate(holes.match_indices('\n').nth(4).unwrap().0 + 1);
    let holes = holes.replacen("\n0,", "\n,", 1).replacen("\n1,", "\n?,", 1);
    std::fs::write(d.join("h.csv"), holes).unwrap();
    let found = json(d, "impute run h.csv -o full.csv --json");
    assert!(found["exact"] == found["missing"] && found["untrusted"] == 0, "{found}");
    let refused = gibbs(d, "fit ising.csv --model boltzmann --objective cd --optimiser lbfgs --out x");
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("--objective exact"));
}

#[test]
fn classes_beside_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "fit digits --classes digit --hidden 12 --epochs 30 --out run --quiet");
    let e = json(d, "eval run --part test --json");
    let accuracy = e["classes"]["accuracy"].as_f64().unwrap();
    // Ten classes: chance is 0.1, and twelve hidden units tell most digits apart.
    assert!(accuracy > 0.6 && e["classes"]["log_likelihood"].as_f64().unwrap() < 0.0, "{e}");
    ok(d, "data make digits --out digits.csv");
    let pixels = text(&bytes(d, "digits.csv")).lines().take(6).map(|l| l.to_string() + "\n").collect::<String>();
    std::fs::write(d.join("few.csv"), &pixels).unwrap();
    let found = json(d, "impute run few.csv -o full.csv --json");
    assert!(found["missing"] == 5 && found["exact"] == 5, "{found}");
    assert_eq!(found["cells"][0]["column"], "digit");
    assert!(text(&bytes(d, "full.csv")).lines().next().unwrap().ends_with("digit"));
    let bare = gibbs(d, "eval run few.csv");
    assert!(!bare.status.success() && text(&bare.stderr).contains("digit"), "{}", text(&bare.stderr));
}

#[test]
fn many_holes_are_drawn_and_mixing_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    ok(d, "data make bars-and-stripes -n 300 --out bas.csv");
    ok(d, "fit bas.csv --hidden 6 --epochs 10 --out run --quiet");
    let head = text(&bytes(d, "bas.csv")).lines().next().unwrap().to_string();
    std::fs::write(d.join("h.csv"), format!("{head}\n1,{}\n{}\n", ",".repeat(14), ",".repeat(15))).unwrap();
    let found = json(d, "impute run h.csv -o full.csv --json");
    assert!(found["exact"] == 0 && found["missing"] == 31, "{found}");
    assert!(found["cells"][0]["effective_draws"].as_f64().unwrap() > 0.0);
    assert!(found["warnings"].to_string().contains("1 rows have no known cell"), "{found}");
    let again = json(d, "impute run h.csv -o full.csv --threads 1 --json");
    assert_eq!(found, again);
    // Networks hold coordinates too.
    real(d);
    ok(d, "fit r.csv --updates 300 --layers 16 --out net --quiet");
    std::fs::write(d.join("r_h.csv"), "a,b\n1.0,\n").unwrap();
    let cell = &json(d, "impute net r_h.csv -o net.csv --json")["cells"][0];
    let interval = [0, 1].map(|i| cell["interval"][i].as_f64().unwrap());
    assert!(interval[0] < 3.25 && 3.25 < interval[1] && cell["rhat"].is_number(), "{cell}");
    for line in ["impute run h.csv -o x.csv --level 1.5", "impute run h.csv -o x.csv --draws 3"] {
        assert_eq!(gibbs(d, line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn threads_and_kills_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    real(d);
    categories(d);
    let runs = ["r.csv --visible gaussian --objective pcd", "t.csv --hidden-units rectified --objective pcd"];
    for (i, arguments) in runs.into_iter().enumerate() {
        for threads in [1, 3] {
            ok(d, &format!("fit {arguments} --hidden 5 --epochs 20 --threads {threads} --out r{i}{threads} --quiet"));
        }
        assert!(bytes(d, &format!("r{i}1/model.safetensors")) == bytes(d, &format!("r{i}3/model.safetensors")));
    }
    survives_kills(
        d,
        "gaussian",
        "r.csv --visible gaussian --objective pcd --hidden 5 --epochs 400 --monitor-every 200",
    );
    ok(d, "fit t.csv --hidden 3 --epochs 5 --seed 3 --out a --quiet");
    ok(d, "fit --config a/config.toml --out b --quiet");
    assert_eq!(bytes(d, "a/model.safetensors"), bytes(d, "b/model.safetensors"));
}
