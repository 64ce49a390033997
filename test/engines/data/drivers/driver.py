"""DataStax's Python driver, on the table store and on Cassandra: prints one JSON line of what it saw."""

import datetime
import decimal
import ipaddress
import json
import ssl
import sys
import uuid

from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.protocol import SyntaxException
from cassandra.query import UNSET_VALUE, BatchStatement, SimpleStatement
from cassandra.util import Date, Duration, Time

where = json.load(sys.stdin)
KEYSPACE = where["keyspace"]
ROWS = 500


def connect():
    options = {}
    secured = where.get("secured")
    if secured:
        context = ssl.create_default_context(cafile=secured["ca"])
        context.load_cert_chain(secured["cert"], secured["key"])
        options["ssl_context"] = context
        options["ssl_options"] = {"server_hostname": "localhost"}
        options["auth_provider"] = PlainTextAuthProvider(secured["username"], secured["password"])
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy("datacenter1")),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        request_timeout=30,
    )
    cluster = Cluster(
        [where["host"]], port=where["port"], execution_profiles={EXEC_PROFILE_DEFAULT: profile}, compression="lz4", **options
    )
    return cluster, cluster.connect()


def refusal(session, statement):
    try:
        session.execute(statement)
        return "accepted"
    except SyntaxException:
        return "syntax"
    except AlreadyExists as error:
        return f"exists {error.keyspace}.{error.table}"
    except InvalidRequest:
        return "invalid"


VALUES = {
    "a": ("ascii", "plain"),
    "bi": ("bigint", -(2**63)),
    "b": ("blob", b"\x00\xff"),
    "bo": ("boolean", True),
    "da": ("date", Date(datetime.date(2024, 2, 29))),
    "de": ("decimal", decimal.Decimal("-12.3400")),
    "do": ("double", 1.5e300),
    "du": ("duration", Duration(1, 2, 3)),
    "f": ("float", -0.5),
    "i": ("inet", "2001:db8::1"),
    "n": ("int", -7),
    "si": ("smallint", -300),
    "t": ("text", "smörgås 🍞"),
    "ti": ("time", Time(1)),
    "ts": ("timestamp", datetime.datetime(2024, 2, 29, 12, 30, 0, 123000)),
    "tu": ("timeuuid", uuid.UUID("5e65caae-06c9-11ee-8d4f-1d0e4ee53d52")),
    "ty": ("tinyint", 127),
    "u": ("uuid", uuid.UUID("5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52")),
    "v": ("varint", -(2**100)),
    "l": ("list<int>", [3, 1, 3]),
    "s": ("set<text>", {"b", "a"}),
    "m": ("map<text, int>", {"x": 1, "y": 2}),
    "tp": ("tuple<int, text>", (1, "one")),
    "fl": ("frozen<list<frozen<map<text, int>>>>", [{"a": 1}]),
}


def plain(value):
    """Collections of the driver as those of Python."""
    if type(value).__name__ == "SortedSet":
        return set(value)
    if type(value).__name__ in ("OrderedMapSerializedKey", "OrderedMap"):
        return dict(value)
    return [plain(each) for each in value] if isinstance(value, list) else value


def types_that_differ(session):
    columns = ", ".join(f"{name} {cql}" for name, (cql, _) in VALUES.items())
    session.execute(f"CREATE TABLE types (id int PRIMARY KEY, {columns})")
    names = list(VALUES)
    insert = session.prepare(f"INSERT INTO types (id, {', '.join(names)}) VALUES ({', '.join('?' * (len(names) + 1))})")
    session.execute(insert, [1, *(value for _, value in VALUES.values())])
    row = session.execute("SELECT * FROM types WHERE id = 1").one()._asdict()
    return [name for name, (_, value) in VALUES.items() if plain(row[name]) != value]


def written_and_paged(session):
    insert = session.prepare("INSERT INTO events (org, kind, seq, note) VALUES (?, ?, ?, ?)")
    many = execute_concurrent_with_args(session, insert, [("acme", "a", i, f"note {i}") for i in range(ROWS)], concurrency=64)
    select = SimpleStatement("SELECT seq FROM events WHERE org = 'acme' AND kind = 'a'", fetch_size=50)
    result = session.execute(select)
    seen, pages = [], 0
    while True:
        seen += [row.seq for row in result.current_rows]
        pages += 1
        if not result.has_more_pages:
            break
        state = result.paging_state
        result = session.execute(select, paging_state=state)
    return all(ok for ok, _ in many), pages, seen == list(range(ROWS - 1, -1, -1))


def by_token_ranges(session):
    cuts = [-(2**63) + i * 2**61 for i in range(1, 8)]
    ranges = [f"token(id) <= {cuts[0]}"]
    ranges += [f"token(id) > {a} AND token(id) <= {b}" for a, b in zip(cuts, cuts[1:])]
    ranges += [f"token(id) > {cuts[-1]}"]
    insert = session.prepare("INSERT INTO keys (id) VALUES (?)")
    execute_concurrent_with_args(session, insert, [(i,) for i in range(200)])
    counts = [session.execute(f"SELECT count(*) FROM keys WHERE {each}").one()[0] for each in ranges]
    return sum(counts), min(counts) > 0


def single_writes(session):
    insert = session.prepare("INSERT INTO events (org, kind, seq, note) VALUES (?, ?, ?, ?)")
    session.execute(insert, ("one", "b", 1, "kept"))
    session.execute(insert, ("one", "b", 1, UNSET_VALUE))
    kept = session.execute("SELECT note FROM events WHERE org = 'one' AND kind = 'b'").one().note
    session.execute(insert, ("one", "b", 1, None))
    gone = session.execute("SELECT note FROM events WHERE org = 'one' AND kind = 'b'").one().note
    batch = BatchStatement()
    for i in range(2, 5):
        batch.add(insert, ("one", "b", i, "batched"))
    batch.add("UPDATE events SET team = 'red' WHERE org = 'one' AND kind = 'b'")
    session.execute(batch)
    rows = session.execute("SELECT seq, team FROM events WHERE org = 'one' AND kind = 'b'").all()
    unless = session.execute("INSERT INTO events (org, kind, seq, note) VALUES ('one', 'b', 2, 'new') IF NOT EXISTS").one()
    late = session.prepare("UPDATE events USING TIMESTAMP ? SET note = ? WHERE org = 'one' AND kind = 'b' AND seq = 9")
    session.execute(late, (2000, "late"))
    session.execute(late, (1000, "early"))
    wins = session.execute("SELECT note FROM events WHERE org = 'one' AND kind = 'b' AND seq = 9").one().note
    return [kept, gone, [list(row) for row in rows], [unless.applied, unless.note], wins]


def after_alter(session):
    select = session.prepare("SELECT * FROM keys WHERE id = ?")
    before = session.execute(select, (1,)).column_names
    session.execute("ALTER TABLE keys ADD added text")
    return [before, session.execute(session.prepare("SELECT * FROM keys WHERE id = ?"), (1,)).column_names, len(session.execute(select, (1,)).all())]


def main():
    cluster, session = connect()
    other_cluster, other = connect()
    session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
    session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    session.set_keyspace(KEYSPACE)
    session.execute(
        "CREATE TABLE events (org text, kind ascii, seq int, note text, team text static, PRIMARY KEY ((org, kind), seq)) WITH CLUSTERING ORDER BY (seq DESC)"
    )
    session.execute("CREATE TABLE keys (id int PRIMARY KEY)")
    table = cluster.metadata.keyspaces[KEYSPACE].tables["events"]
    written, pages, ordered = written_and_paged(session)
    found, spread = by_token_ranges(session)
    traced = session.execute("SELECT * FROM keys WHERE id = 1", trace=True).get_query_trace(max_wait_sec=10)
    other_cluster.refresh_schema_metadata()
    metadata = cluster.metadata
    print(
        json.dumps(
            {
                "partitionKey": [column.name for column in table.partition_key],
                "clusteringKey": [[column.name, column.is_reversed] for column in table.clustering_key],
                "columns": {name: [column.cql_type, column.is_static] for name, column in table.columns.items()},
                "describes": table.as_cql_query().startswith(f"CREATE TABLE {KEYSPACE}.events ("),
                "written": written,
                "pages": pages,
                "ordered": ordered,
                "byTokenRanges": [found, spread],
                "replicas": len(metadata.get_replicas(KEYSPACE, b"\x00\x00\x00\x01")),
                "partitioner": metadata.partitioner,
                "single": single_writes(session),
                "typesThatDiffer": types_that_differ(session),
                "afterAlter": after_alter(session),
                "refused": [
                    refusal(session, "SELEC * FROM keys"),
                    refusal(session, "SELECT nope FROM keys"),
                    refusal(session, "CREATE TABLE keys (id int PRIMARY KEY)"),
                ],
                "traced": traced.request_type == "Execute CQL3 query" and traced.duration.total_seconds() > 0 and len(traced.events) > 0,
                "seenByAnother": "events" in other_cluster.metadata.keyspaces[KEYSPACE].tables,
                "compressed": any(pool.is_shutdown is False for pool in session._pools.values())
                and cluster.control_connection._connection.compressor is not None,
            }
        )
    )
    session.execute(f"DROP KEYSPACE {KEYSPACE}")
    other_cluster.shutdown()
    cluster.shutdown()


main()
