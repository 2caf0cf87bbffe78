//! A stream whose shards have been split: AWS does that by itself every few hours, and the embedded engine never.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use wardgate::aws::Connection;
use wardgate_server::jobs::Jobs;
use wardgate_server::jobs::stream::Turn;

use super::{Bus, work};
use crate::harness::TestServer;

const STREAM: &str = "arn:aws:dynamodb:eu-central-1:1:table/wardgate-development/stream/2026-03-01T00:00:00.000";

/// The streams' API over these shards: by name its parent, its records, and whether it is closed. The table's own requests go
/// on to the engine.
#[derive(Debug, Clone)]
struct Streams {
    inner: SharedHttpClient,
    shards: Arc<Mutex<BTreeMap<&'static str, Split>>>,
}

#[derive(Debug, Clone)]
struct Split {
    parent: Option<&'static str>,
    records: Vec<u32>,
    closed: bool,
    /// The first records that are gone.
    trimmed: usize,
}

/// An account's beginning.
fn record(number: u32) -> Value {
    let user = format!("usr_01kjm4t3c000000000000{number:05}");
    json!({
        "eventID": format!("{number:032x}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_772_368_200,
            "Keys": { "pk": { "S": format!("USER#{user}") }, "sk": { "S": "PROFILE" } },
            "NewImage": {
                "id": { "S": user },
                "email": { "M": { "canonical": { "S": "ada@example.com" }, "display": { "S": "ada@example.com" } } },
                "email_verified": { "BOOL": false },
                "roles": { "L": [] },
                "status": { "S": "active" },
                "created_at": { "N": "1772368200000" },
                "cred_version": { "N": "1" },
                "version": { "N": "1" }
            },
            "SequenceNumber": format!("{number:021}"),
            "StreamViewType": "NEW_AND_OLD_IMAGES"
        }
    })
}

impl Streams {
    fn answer(&self, operation: &str, asked: &Value) -> Result<Value, &'static str> {
        let shards = self.shards.lock().unwrap();
        let is_table = !asked.to_string().contains("audit");
        Ok(match operation {
            "ListStreams" if is_table => json!({ "Streams": [
                { "StreamArn": "the one before", "StreamLabel": "2026-02-01T00:00:00.000" },
                { "StreamArn": STREAM, "StreamLabel": "2026-03-01T00:00:00.000" },
            ] }),
            "ListStreams" => json!({ "Streams": [] }),
            "DescribeStream" => {
                assert_eq!(asked["StreamArn"], STREAM);
                // A page each.
                let last = asked["ExclusiveStartShardId"].as_str();
                let mut left = shards.iter().filter(|(id, _)| last.is_none_or(|last| **id > last));
                let (id, shard) = left.next().unwrap();
                let mut described = json!({ "ShardId": id });
                if let Some(parent) = shard.parent {
                    described["ParentShardId"] = parent.into();
                }
                let mut page = json!({ "Shards": [described] });
                if left.next().is_some() {
                    page["LastEvaluatedShardId"] = (*id).into();
                }
                json!({ "StreamDescription": page })
            }
            "GetShardIterator" => {
                let id = asked["ShardId"].as_str().unwrap();
                let at = match asked["SequenceNumber"].as_str() {
                    None => shards[id].trimmed,
                    Some(after) => {
                        let after: u32 = after.parse().unwrap();
                        let at = shards[id].records.iter().position(|record| *record == after).unwrap() + 1;
                        if at < shards[id].trimmed {
                            return Err("TrimmedDataAccessException");
                        }
                        at
                    }
                };
                json!({ "ShardIterator": format!("{id} {at}") })
            }
            "GetRecords" => {
                let (id, at) = asked["ShardIterator"].as_str().unwrap().split_once(' ').unwrap();
                let (shard, at) = (&shards[id], at.parse::<usize>().unwrap());
                // Two at a time.
                let some: Vec<Value> = shard.records.iter().skip(at).take(2).map(|number| record(*number)).collect();
                let next = at + some.len();
                let mut page = json!({ "Records": some });
                if !shard.closed || next < shard.records.len() {
                    page["NextShardIterator"] = format!("{id} {next}").into();
                }
                page
            }
            _ => unreachable!("{operation}"),
        })
    }
}

impl HttpClient for Streams {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Both(self.clone(), inner))
    }
}

#[derive(Debug)]
struct Both(Streams, SharedHttpConnector);

impl HttpConnector for Both {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let Some(operation) = target.strip_prefix("DynamoDBStreams_20120810.") else { return self.1.call(request) };
        let asked = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (status, body) = match self.0.answer(operation, &asked) {
            Ok(body) => (200, body),
            Err(code) => (400, json!({ "__type": code })),
        };
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn streams(server: &TestServer) -> Streams {
    let split = |parent, records: std::ops::RangeInclusive<u32>, closed| Split {
        parent,
        records: records.collect(),
        closed,
        trimmed: 0,
    };
    // By their names the children come first, and one has a parent that is gone.
    let shards = BTreeMap::from([
        ("shard-a", split(Some("shard-c"), 21..=24, false)),
        ("shard-b", split(Some("shard-c"), 11..=15, false)),
        ("shard-c", split(Some("shard-gone"), 1..=5, true)),
    ]);
    Streams { inner: server.connection().http_client.clone(), shards: Arc::new(Mutex::new(shards)) }
}

fn replica(server: &TestServer, streams: &Streams) -> (Jobs, Bus) {
    let connection = Connection { http_client: SharedHttpClient::new(streams.clone()), ..server.connection().clone() };
    let bus = Bus::default();
    let transport = Box::new(server.mail_edge.clone());
    (Jobs::with(&server.app, &connection, transport, Box::new(bus.clone())).unwrap(), bus)
}

/// The numbers of the accounts whose beginning was told of.
fn told(bus: &Bus) -> Vec<u32> {
    bus.taken().iter().map(|event| event[event.len() - 5..].parse().unwrap()).collect()
}

#[tokio::test]
async fn sa_10_a_shard_is_read_after_its_parent_and_to_its_end() {
    let server = TestServer::start().await;
    let streams = streams(&server);
    let (mut jobs, bus) = replica(&server, &streams);
    assert_eq!(work(&mut jobs).await, Turn::Idle);
    let numbers = told(&bus);
    assert_eq!(numbers[..5], [1, 2, 3, 4, 5]);
    for shard in [21..=24, 11..=15] {
        let of_shard: Vec<u32> = numbers.iter().copied().filter(|number| shard.contains(number)).collect();
        assert_eq!(of_shard, shard.collect::<Vec<_>>());
    }
    assert_eq!(numbers.len(), 14);
    // A replica that comes later finds the parent read, and goes on where the first one was.
    drop(jobs);
    server.clock.advance(31);
    let (mut next, bus) = replica(&server, &streams);
    work(&mut next).await;
    assert_eq!(told(&bus), Vec::<u32>::new());
    streams.shards.lock().unwrap().get_mut("shard-b").unwrap().records.push(16);
    work(&mut next).await;
    assert_eq!(told(&bus), [16]);
}

#[tokio::test]
async fn sa_10_the_children_wait_for_a_parent_that_another_replica_reads() {
    let server = TestServer::start().await;
    let streams = streams(&server);
    streams.shards.lock().unwrap().get_mut("shard-c").unwrap().closed = false;
    let ((mut one, first), (mut other, second)) = (replica(&server, &streams), replica(&server, &streams));
    work(&mut one).await;
    work(&mut other).await;
    assert_eq!((told(&first), told(&second)), (vec![1, 2, 3, 4, 5], vec![]));
    // It ends, and whoever sees it first goes on.
    streams.shards.lock().unwrap().get_mut("shard-c").unwrap().closed = true;
    server.clock.advance(6);
    work(&mut other).await;
    assert_eq!(told(&second), Vec::<u32>::new());
    work(&mut one).await;
    work(&mut other).await;
    let mut numbers = [told(&first), told(&second)].concat();
    numbers.sort_unstable();
    assert_eq!(numbers, [11, 12, 13, 14, 15, 21, 22, 23, 24]);
}

#[tokio::test]
async fn sa_10_where_records_are_gone_the_next_that_is_there_goes_on() {
    let server = TestServer::start().await;
    let streams = streams(&server);
    let (mut jobs, bus) = replica(&server, &streams);
    work(&mut jobs).await;
    drop(jobs);
    told(&bus);
    {
        let mut shards = streams.shards.lock().unwrap();
        let shard = shards.get_mut("shard-b").unwrap();
        shard.records.extend(16..=19);
        shard.trimmed = 7;
    }
    server.clock.advance(31);
    let (mut next, bus) = replica(&server, &streams);
    work(&mut next).await;
    assert_eq!(told(&bus), [18, 19]);
}
