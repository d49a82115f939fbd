//! .
use std::io::*;
fn main(){ let n: usize = std::env::args().nth(1).map_or(1,|n|n.parse().unwrap());
 let mut s=String::new(); stdin().read_to_string(&mut s).unwrap();
 let s=s.repeat(n); let t=std::time::Instant::now();
 let out: Box<dyn Write>= if n>1 {Box::new(sink())} else {Box::new(stdout())};
 let tally=tidings_stage::filter::run(tidings_enrich::Enrich::new(&Default::default()), s.as_bytes(), out, |l,r|eprintln!("{l} {r}")).unwrap();
 let e=t.elapsed().as_secs_f64(); eprintln!("{tally:?} {e:.3}s {:.0}/s {:.2} MB/s", tally.read as f64/e, s.len() as f64/e/1e6); }
