//! Faults: which, in what order, on whom, and how long the line took to work again.

use crate::{kafka::Kafka, line::Line, line::SERVICES, until};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The session timeout of the instances that are made to miss it; Kafka allows no less.
pub const SESSION: Duration = Duration::from_secs(6);
/// Until the line must work again.
const RECOVERY: Duration = Duration::from_secs(90);
/// Instances of one service at the same time, at most.
const INSTANCES: usize = 3;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of an instance, which starts again.
    Kill,
    /// The same, and once more before its predecessor's transaction would have timed out.
    KillTwice,
    /// SIGSTOP for longer than the session, SIGCONT: a zombie. Another instance has taken over.
    Pause,
    /// `kill -9` of a broker, which starts again.
    Broker,
    /// One more instance: a rebalance.
    Add,
    /// One instance less, by SIGTERM; one more where it would be the last.
    Remove,
}

impl Fault {
    /// In a table.
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 of a service",
            Self::KillTwice => "two in a row",
            Self::Pause => "zombies",
            Self::Broker => "kill -9 of a broker",
            Self::Add => "instances added",
            Self::Remove => "instances removed",
        }
    }
}

/// Faults in the order that a seed gives them.
pub struct Deck {
    seed: u64,
    faults: Vec<Fault>,
    rounds: usize,
}

impl Deck {
    /// So many faults of each kind, in so many rounds.
    pub fn new(seed: u64, faults: &[(Fault, usize)], rounds: usize) -> Self {
        let mut faults: Vec<Fault> = faults.iter().flat_map(|&(fault, count)| vec![fault; count]).collect();
        let mut random = Random(seed);
        for last in (1..faults.len()).rev() {
            faults.swap(last, random.below(last + 1));
        }
        Self { seed, faults, rounds }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn rounds(self) -> Vec<Vec<Fault>> {
        let each = self.faults.len().div_ceil(self.rounds);
        self.faults.chunks(each).map(<[Fault]>::to_vec).collect()
    }
}

/// Makes faults and takes the time.
pub struct Fire<'a> {
    random: Random,
    kafka: Option<&'a mut Kafka>,
    began: Instant,
    made: BTreeMap<&'static str, usize>,
    recovered: Vec<Duration>,
    transactions: BTreeMap<&'static str, u64>,
    /// Instances that were ever added, for their names.
    added: usize,
}

impl<'a> Fire<'a> {
    /// Nothing is wrong yet. `kafka` is ours to kill.
    pub fn new(seed: u64, kafka: Option<&'a mut Kafka>) -> Self {
        Self {
            random: Random(!seed),
            kafka,
            began: Instant::now(),
            made: BTreeMap::new(),
            recovered: Vec::new(),
            transactions: BTreeMap::new(),
            added: 0,
        }
    }

    /// Makes a fault at a random moment and waits until what it hit has committed again; where it is a zombie with a
    /// successor, until the successor has.
    pub fn make(&mut self, fault: Fault, line: &mut Line) {
        std::thread::sleep(Duration::from_millis(self.random.below(1500) as u64));
        *self.made.entry(fault.name()).or_default() += 1;
        let running = line.running();
        let victim = running[self.random.below(running.len())].clone();
        let service = service(&victim).to_owned();
        println!("{:>6.1} s  {fault:?} {victim}", self.began.elapsed().as_secs_f64());
        let mut began = Instant::now();
        let mut taken_over = None;
        match fault {
            Fault::Kill => self.kill(line, &victim),
            Fault::KillTwice => {
                self.kill(line, &victim);
                // it is joining the group, fencing, restoring or at work again
                std::thread::sleep(Duration::from_millis(self.random.below(9000) as u64));
                began = Instant::now();
                self.kill(line, &victim);
            }
            Fault::Pause => {
                if service != "all" && instances(line, &service).len() == 1 {
                    self.add(line, &service);
                }
                line.signal(&victim, "STOP");
                let others: Vec<String> =
                    instances(line, &service).into_iter().filter(|name| *name != victim).collect();
                if !others.is_empty() {
                    await_commit(line, &others);
                    taken_over = Some(began.elapsed());
                }
                std::thread::sleep((SESSION + Duration::from_secs(2)).saturating_sub(began.elapsed()));
                line.signal(&victim, "CONT");
            }
            Fault::Broker => {
                let kafka = self.kafka.as_deref_mut().expect("a deck without the broker where it is not ours to kill");
                let node = self.random.below(kafka.nodes());
                kafka.kill9_node(node);
                std::thread::sleep(Duration::from_millis(self.random.below(3000) as u64));
                kafka.restart_node(node);
                println!("          it answers after {:.1} s", began.elapsed().as_secs_f64());
            }
            Fault::Remove if instances(line, &service).len() > 1 => {
                self.count(line, &victim);
                let asked = Instant::now();
                let status = line.stop(&victim);
                assert!(status.success(), "{victim} ends well at SIGTERM: {status}, after {:?}", asked.elapsed());
            }
            Fault::Add | Fault::Remove => {
                if instances(line, &service).len() < INSTANCES {
                    self.add(line, &service);
                }
            }
        }
        let hit = if fault == Fault::Broker { SERVICES.to_vec() } else { vec![&*service] };
        for service in hit {
            await_commit(line, &instances(line, service));
        }
        let recovered = taken_over.unwrap_or_else(|| began.elapsed());
        self.recovered.push(recovered);
        let (now, recovered) = (self.began.elapsed().as_secs_f64(), recovered.as_secs_f64());
        println!("{now:>6.1} s  works again after {recovered:.1} s");
    }

    /// Kinds of faults made, times of recovery, transactions by result.
    pub fn end(mut self, line: &Line) -> (BTreeMap<&'static str, usize>, Vec<Duration>, BTreeMap<&'static str, u64>) {
        line.running().iter().for_each(|name| self.count(line, name));
        self.recovered.sort();
        (self.made, self.recovered, self.transactions)
    }

    fn kill(&mut self, line: &mut Line, victim: &str) {
        self.count(line, victim);
        line.kill9(victim);
        line.restart(victim);
    }

    fn add(&mut self, line: &mut Line, service: &str) {
        self.added += 1;
        let name = format!("{service}+{}", self.added);
        line.spawn_as(&name, service);
        line.wait_ready(&name);
    }

    /// Adds what an instance has counted to the sums, before it goes.
    fn count(&mut self, line: &Line, name: &str) {
        for result in ["committed", "aborted", "fenced"] {
            let label = format!("result=\"{result}\"");
            let count = line.series(name, "tidings_stream_transactions_total", &[&label]).unwrap_or(0.0);
            *self.transactions.entry(result).or_default() += count as u64;
        }
    }
}

/// The service that an instance is of.
fn service(instance: &str) -> &str {
    instance.split('+').next().unwrap_or(instance)
}

fn instances(line: &Line, of: &str) -> Vec<String> {
    line.running().into_iter().filter(|name| service(name) == of).collect()
}

/// Waits until any of these instances commits something from now on.
fn await_commit(line: &Line, instances: &[String]) {
    let committed = |name: &String| {
        line.series(name, "tidings_stream_transactions_total", &["result=\"committed\""]).unwrap_or(0.0)
    };
    let before: Vec<f64> = instances.iter().map(committed).collect();
    until(RECOVERY, &format!("one of {instances:?} commits again"), || {
        instances.iter().zip(&before).any(|(name, before)| committed(name) > *before).then_some(())
    });
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
