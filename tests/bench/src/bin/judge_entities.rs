//! Judges what the enrich filter finds against labels by hand ([`tidings_bench::entities`]):
//!
//! ```text
//! judge_entities items GOLD | tidings enrich | judge_entities GOLD
//! ```

use serde_json::Value;
use std::{env, error::Error, io::stdin, path::Path};
use tidings_bench::entities::Gold;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["items", path] => Gold::read(Path::new(path))?.items().for_each(|item| println!("{item}")),
        [path] => {
            let records = stdin().lines().map(|line| {
                let mut record: Value = serde_json::from_str(&line?)?;
                Ok(record.get_mut("value").map_or(Value::Null, Value::take))
            });
            let records = records.collect::<Result<Vec<Value>, Box<dyn Error>>>()?;
            print!("{}", Gold::read(Path::new(path))?.judge(records)?);
        }
        _ => return Err("judge_entities items GOLD | tidings enrich | judge_entities GOLD".into()),
    }
    Ok(())
}
