// gocql, on the table store and on Cassandra: prints one JSON line of what it saw.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/snappy"
	"gopkg.in/inf.v0"
)

type place struct {
	Host     string
	Port     int
	Keyspace string
	Secured  *struct{ Username, Password, Ca, Cert, Key string }
}

const rows = 500

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func config(where place) *gocql.ClusterConfig {
	cluster := gocql.NewCluster(where.Host)
	cluster.Port = where.Port
	cluster.Timeout = 30 * time.Second
	cluster.Consistency = gocql.LocalQuorum
	cluster.Compressor = &snappy.SnappyCompressor{}
	cluster.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.DCAwareRoundRobinPolicy("datacenter1"))
	if s := where.Secured; s != nil {
		cluster.Authenticator = gocql.PasswordAuthenticator{Username: s.Username, Password: s.Password}
		cluster.SslOpts = &gocql.SslOptions{CaPath: s.Ca, CertPath: s.Cert, KeyPath: s.Key, EnableHostVerification: true}
	}
	return cluster
}

func refusal(session *gocql.Session, statement string) string {
	err := session.Query(statement).Exec()
	var exists *gocql.RequestErrAlreadyExists
	var refused gocql.RequestError
	if errors.As(err, &exists) {
		return fmt.Sprintf("exists %s.%s", exists.Keyspace, exists.Table)
	}
	if errors.As(err, &refused) {
		return map[int]string{gocql.ErrCodeSyntax: "syntax", gocql.ErrCodeInvalid: "invalid", gocql.ErrCodeAlreadyExists: "exists"}[refused.Code()]
	}
	return fmt.Sprint(err)
}

type value struct {
	name, cql string
	value     any
}

func values() []value {
	id, _ := gocql.ParseUUID("5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52")
	timed, _ := gocql.ParseUUID("5e65caae-06c9-11ee-8d4f-1d0e4ee53d52")
	return []value{
		{"a", "ascii", "plain"}, {"bi", "bigint", int64(-1 << 63)}, {"b", "blob", []byte{0, 255}}, {"bo", "boolean", true},
		{"da", "date", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)}, {"de", "decimal", *inf.NewDec(-123400, 4)},
		{"do", "double", 1.5e300}, {"du", "duration", gocql.Duration{Months: 1, Days: 2, Nanoseconds: 3}}, {"f", "float", float32(-0.5)},
		{"i", "inet", net.ParseIP("2001:db8::1")}, {"n", "int", -7}, {"si", "smallint", int16(-300)}, {"t", "text", "smörgås 🍞"},
		{"ti", "time", time.Duration(1)}, {"ts", "timestamp", time.Date(2024, 2, 29, 12, 30, 0, 123000000, time.UTC)},
		{"tu", "timeuuid", timed}, {"ty", "tinyint", int8(127)}, {"u", "uuid", id},
		{"v", "varint", *new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 100))}, {"l", "list<int>", []int{3, 1, 3}},
		{"s", "set<text>", []string{"a", "b"}}, {"m", "map<text, int>", map[string]int{"x": 1, "y": 2}},
		{"fl", "frozen<list<frozen<map<text, int>>>>", []map[string]int{{"a": 1}}},
	}
}

func typesThatDiffer(session *gocql.Session) []string {
	all := values()
	columns, names, bound := []string{}, []string{}, []any{1}
	for _, each := range all {
		columns = append(columns, each.name+" "+each.cql)
		names = append(names, each.name)
		bound = append(bound, each.value)
	}
	check(session.Query("CREATE TABLE types (id int PRIMARY KEY, " + strings.Join(columns, ", ") + ")").Exec())
	insert := fmt.Sprintf("INSERT INTO types (id, %s) VALUES (?%s)", strings.Join(names, ", "), strings.Repeat(", ?", len(names)))
	check(session.Query(insert, bound...).Exec())
	differ := []string{}
	for _, each := range all {
		found := reflect.New(reflect.TypeOf(each.value))
		check(session.Query("SELECT "+each.name+" FROM types WHERE id = 1").Scan(found.Interface()))
		if fmt.Sprint(found.Elem().Interface()) != fmt.Sprint(each.value) {
			differ = append(differ, each.name)
		}
	}
	return differ
}

func writtenAndPaged(session *gocql.Session) (bool, int, bool) {
	failed := make(chan error, rows)
	for i := range rows {
		go func() {
			failed <- session.Query("INSERT INTO events (org, kind, seq, note) VALUES (?, ?, ?, ?)", "acme", "a", i, fmt.Sprintf("note %d", i)).Exec()
		}()
	}
	written := true
	for range rows {
		written = <-failed == nil && written
	}
	pages, seen, state := 0, []int{}, []byte{}
	for {
		iter := session.Query("SELECT seq FROM events WHERE org = ? AND kind = ?", "acme", "a").PageSize(50).PageState(state).Iter()
		state = iter.PageState()
		for scanner := iter.Scanner(); scanner.Next(); {
			var seq int
			check(scanner.Scan(&seq))
			seen = append(seen, seq)
		}
		pages++
		if len(state) == 0 {
			break
		}
	}
	return written, pages, len(seen) == rows && sort.SliceIsSorted(seen, func(a, b int) bool { return seen[a] > seen[b] })
}

func singleWrites(session *gocql.Session) []any {
	insert := "INSERT INTO events (org, kind, seq, note) VALUES (?, ?, ?, ?)"
	note := func(seq int) any {
		var note *string
		check(session.Query("SELECT note FROM events WHERE org = 'one' AND kind = 'b' AND seq = ?", seq).Scan(&note))
		if note == nil {
			return nil
		}
		return *note
	}
	check(session.Query(insert, "one", "b", 1, "kept").Exec())
	check(session.Query(insert, "one", "b", 1, gocql.UnsetValue).Exec())
	kept := note(1)
	check(session.Query(insert, "one", "b", 1, nil).Exec())
	gone := note(1)
	batch := session.Batch(gocql.LoggedBatch)
	for i := 2; i < 5; i++ {
		batch.Query(insert, "one", "b", i, "batched")
	}
	batch.Query("UPDATE events SET team = 'red' WHERE org = 'one' AND kind = 'b'")
	check(batch.Exec())
	found := [][]any{}
	scanner := session.Query("SELECT seq, team FROM events WHERE org = 'one' AND kind = 'b'").Iter().Scanner()
	for scanner.Next() {
		var seq int
		var team string
		check(scanner.Scan(&seq, &team))
		found = append(found, []any{seq, team})
	}
	existing := map[string]any{}
	applied, err := session.Query(insert+" IF NOT EXISTS", "one", "b", 2, "new").MapScanCAS(existing)
	check(err)
	late := "UPDATE events SET note = ? WHERE org = 'one' AND kind = 'b' AND seq = 9"
	check(session.Query(late, "late").WithTimestamp(2000).Exec())
	check(session.Query(late, "early").WithTimestamp(1000).Exec())
	return []any{kept, gone, found, []any{applied, existing["note"]}, note(9)}
}

type traces struct{ ids [][]byte }

func (t *traces) Trace(id []byte) { t.ids = append(t.ids, id) }

func main() {
	var where place
	check(json.NewDecoder(os.Stdin).Decode(&where))
	first, err := config(where).CreateSession()
	check(err)
	check(first.Query("DROP KEYSPACE IF EXISTS " + where.Keyspace).Exec())
	check(first.Query("CREATE KEYSPACE " + where.Keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}").Exec())
	own := config(where)
	own.Keyspace = where.Keyspace
	session, err := own.CreateSession()
	check(err)
	check(session.Query("CREATE TABLE events (org text, kind ascii, seq int, note text, team text static, PRIMARY KEY ((org, kind), seq)) WITH CLUSTERING ORDER BY (seq DESC)").Exec())
	check(session.Query("CREATE TABLE keys (id int PRIMARY KEY)").Exec())
	// It learns of the schema by events, and gathers those of a second.
	var table *gocql.TableMetadata
	for until := time.Now().Add(10 * time.Second); table == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			check(errors.New("the driver was not told of the table"))
		}
		metadata, err := session.KeyspaceMetadata(where.Keyspace)
		check(err)
		table = metadata.Tables["events"]
	}
	columns := map[string][]any{}
	for name, column := range table.Columns {
		columns[name] = []any{fmt.Sprint(column.Type.Type()), column.Kind == gocql.ColumnStatic}
	}
	written, pages, ordered := writtenAndPaged(session)
	traced := &traces{}
	check(session.Query("SELECT * FROM keys WHERE id = 1").Trace(traced).Exec())
	var request string
	for until := time.Now().Add(10 * time.Second); request == "" && time.Now().Before(until); {
		_ = first.Query("SELECT request FROM system_traces.sessions WHERE session_id = ?", traced.ids[0]).Consistency(gocql.One).Scan(&request)
	}
	check(session.Query("INSERT INTO keys (id) VALUES (1)").Exec())
	before := session.Query("SELECT * FROM keys WHERE id = ?", 1).Iter()
	columnsBefore := len(before.Columns())
	check(before.Close())
	check(session.Query("ALTER TABLE keys ADD added text").Exec())
	check(session.AwaitSchemaAgreement(context.Background()))
	out, _ := json.Marshal(map[string]any{
		"partitionKey":    []string{table.PartitionKey[0].Name, table.PartitionKey[1].Name},
		"clusteringKey":   []any{table.ClusteringColumns[0].Name, string(table.ClusteringColumns[0].ClusteringOrder)},
		"columns":         columns,
		"written":         written,
		"pages":           pages,
		"ordered":         ordered,
		"single":          singleWrites(session),
		"typesThatDiffer": typesThatDiffer(session),
		"columnsBefore":   columnsBefore,
		"refused":         []string{refusal(session, "SELEC * FROM keys"), refusal(session, "SELECT nope FROM keys"), refusal(session, "CREATE TABLE keys (id int PRIMARY KEY)")},
		"traced":          request,
	})
	check(session.Query("DROP KEYSPACE " + where.Keyspace).Exec())
	session.Close()
	first.Close()
	fmt.Println(string(out))
}
