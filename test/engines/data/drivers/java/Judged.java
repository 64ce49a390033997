import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.PagingIterable;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.data.CqlDuration;
import com.datastax.oss.driver.api.core.metadata.TokenMap;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import com.datastax.oss.driver.api.core.metadata.token.TokenRange;
import com.datastax.oss.driver.api.core.servererrors.AlreadyExistsException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import com.datastax.oss.driver.api.mapper.annotations.ClusteringColumn;
import com.datastax.oss.driver.api.mapper.annotations.CqlName;
import com.datastax.oss.driver.api.mapper.annotations.Dao;
import com.datastax.oss.driver.api.mapper.annotations.DaoFactory;
import com.datastax.oss.driver.api.mapper.annotations.DaoKeyspace;
import com.datastax.oss.driver.api.mapper.annotations.Delete;
import com.datastax.oss.driver.api.mapper.annotations.Entity;
import com.datastax.oss.driver.api.mapper.annotations.Insert;
import com.datastax.oss.driver.api.mapper.annotations.Mapper;
import com.datastax.oss.driver.api.mapper.annotations.PartitionKey;
import com.datastax.oss.driver.api.mapper.annotations.Select;
import java.io.FileInputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Scanner;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The Java driver with its mapper, on the table store and on Cassandra: prints one JSON line of what it saw. */
public class Judged {
  static final int ROWS = 500;

  @Entity
  @CqlName("visits")
  public static class Visit {
    @PartitionKey private UUID user;
    @ClusteringColumn private int seq;
    private String page;

    public Visit() {}

    public Visit(UUID user, int seq, String page) {
      this.user = user;
      this.seq = seq;
      this.page = page;
    }

    public UUID getUser() { return user; }
    public void setUser(UUID user) { this.user = user; }
    public int getSeq() { return seq; }
    public void setSeq(int seq) { this.seq = seq; }
    public String getPage() { return page; }
    public void setPage(String page) { this.page = page; }
  }

  @Dao
  public interface VisitDao {
    @Insert void save(Visit visit);
    @Insert(ifNotExists = true) Optional<Visit> saveNew(Visit visit);
    @Select Visit find(UUID user, int seq);
    @Select(customWhereClause = "user = :user", orderBy = "seq DESC") PagingIterable<Visit> of(UUID user);
    @Delete void remove(Visit visit);
  }

  @Mapper
  public interface VisitMapper {
    @DaoFactory VisitDao dao(@DaoKeyspace CqlIdentifier keyspace);
  }

  static SSLContext tls(String[] where) throws Exception {
    CertificateFactory certificates = CertificateFactory.getInstance("X.509");
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null);
    try (FileInputStream ca = new FileInputStream(where[5])) {
      store.setCertificateEntry("ca", certificates.generateCertificate(ca));
    }
    String pem = Files.readString(Path.of(where[7])).replaceAll("-----[A-Z ]+-----|\\s", "");
    PKCS8EncodedKeySpec key = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem));
    try (FileInputStream cert = new FileInputStream(where[6])) {
      Certificate[] chain = {certificates.generateCertificate(cert)};
      String algorithm = chain[0].getPublicKey().getAlgorithm();
      store.setKeyEntry("own", KeyFactory.getInstance(algorithm).generatePrivate(key), new char[0], chain);
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  static CqlSession connect(String[] where) throws Exception {
    DriverConfigLoader config =
        DriverConfigLoader.programmaticBuilder()
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(30))
            .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, Duration.ofSeconds(20))
            .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, Duration.ofSeconds(20))
            .withString(DefaultDriverOption.PROTOCOL_COMPRESSION, "lz4")
            .build();
    CqlSessionBuilder builder =
        CqlSession.builder()
            .addContactPoint(new InetSocketAddress(where[0], Integer.parseInt(where[1])))
            .withLocalDatacenter("datacenter1")
            .withConfigLoader(config);
    if (where.length > 3) builder.withAuthCredentials(where[3], where[4]).withSslContext(tls(where));
    return builder.build();
  }

  static String refusal(CqlSession session, String statement) {
    try {
      session.execute(statement);
      return "accepted";
    } catch (SyntaxError error) {
      return "syntax";
    } catch (AlreadyExistsException error) {
      return "exists";
    } catch (InvalidQueryException error) {
      return "invalid";
    }
  }

  static Map<String, Object> values() throws Exception {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("ascii", "plain");
    values.put("bigint", Long.MIN_VALUE);
    values.put("blob", ByteBuffer.wrap(new byte[] {0, -1}));
    values.put("boolean", true);
    values.put("date", LocalDate.of(2024, 2, 29));
    values.put("decimal", new BigDecimal("-12.3400"));
    values.put("double", 1.5e300);
    values.put("duration", CqlDuration.newInstance(1, 2, 3));
    values.put("float", -0.5f);
    values.put("inet", InetAddress.getByName("2001:db8::1"));
    values.put("int", -7);
    values.put("smallint", (short) -300);
    values.put("text", "smörgås \uD83C\uDF5E");
    values.put("time", LocalTime.ofNanoOfDay(1));
    values.put("timestamp", Instant.parse("2024-02-29T12:30:00.123Z"));
    values.put("timeuuid", UUID.fromString("5e65caae-06c9-11ee-8d4f-1d0e4ee53d52"));
    values.put("tinyint", (byte) 127);
    values.put("uuid", UUID.fromString("5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52"));
    values.put("varint", BigInteger.ONE.shiftLeft(100).negate());
    values.put("list<int>", List.of(3, 1, 3));
    values.put("set<text>", Set.of("a", "b"));
    values.put("map<text, int>", Map.of("x", 1, "y", 2));
    values.put("frozen<list<frozen<map<text, int>>>>", List.of(Map.of("a", 1)));
    return values;
  }

  static List<String> typesThatDiffer(CqlSession session) throws Exception {
    Map<String, Object> values = values();
    StringBuilder columns = new StringBuilder(), names = new StringBuilder(), marks = new StringBuilder();
    List<Object> bound = new ArrayList<>(List.of(1));
    for (String type : values.keySet()) {
      columns.append(", c").append(bound.size()).append(' ').append(type);
      names.append(", c").append(bound.size());
      marks.append(", ?");
      bound.add(values.get(type));
    }
    session.execute("CREATE TABLE types (id int PRIMARY KEY" + columns + ")");
    session.execute(session.prepare("INSERT INTO types (id" + names + ") VALUES (?" + marks + ")").bind(bound.toArray()));
    Row row = session.execute("SELECT * FROM types WHERE id = 1").one();
    List<String> differ = new ArrayList<>();
    for (int i = 1; i < bound.size(); i++)
      if (!bound.get(i).equals(row.getObject("c" + i))) differ.add(row.getType("c" + i).asCql(true, true));
    return differ;
  }

  static Object[] writtenAndPaged(CqlSession session) throws Exception {
    PreparedStatement insert = session.prepare("INSERT INTO events (org, kind, seq, note) VALUES (?, ?, ?, ?)");
    List<CompletionStage<AsyncResultSet>> under = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) under.add(session.executeAsync(insert.bind("acme", "a", i, "note " + i)));
    for (CompletionStage<AsyncResultSet> each : under) each.toCompletableFuture().get();
    int pages = 0, expected = ROWS - 1;
    boolean ordered = true;
    ByteBuffer state = null;
    SimpleStatement select = SimpleStatement.newInstance("SELECT seq FROM events WHERE org = 'acme' AND kind = 'a'").setPageSize(50);
    do {
      AsyncResultSet page = session.executeAsync(select.setPagingState(state)).toCompletableFuture().get();
      for (Row row : page.currentPage()) ordered &= row.getInt(0) == expected--;
      state = page.getExecutionInfo().getPagingState();
      pages++;
    } while (state != null);
    return new Object[] {pages, ordered && expected == -1};
  }

  static Object[] byTokenRanges(CqlSession session) {
    PreparedStatement insert = session.prepare("INSERT INTO keys (id) VALUES (?)");
    for (int i = 0; i < 200; i++) session.execute(insert.bind(i));
    TokenMap map = session.getMetadata().getTokenMap().get();
    PreparedStatement count = session.prepare("SELECT count(*) FROM keys WHERE token(id) > ? AND token(id) <= ?");
    long found = 0;
    int replicas = 0;
    for (TokenRange range : map.getTokenRanges())
      for (TokenRange part : range.splitEvenly(4))
        for (TokenRange straight : part.unwrap()) {
          found += countIn(session, count, straight);
          replicas = Math.max(replicas, map.getReplicas(session.getKeyspace().get(), straight).size());
        }
    return new Object[] {found, replicas, map.getPartitionerName()};
  }

  /** The first range begins before the least token, the last one ends with the least: there is nothing behind the highest. */
  static long countIn(CqlSession session, PreparedStatement count, TokenRange range) {
    TokenMap map = session.getMetadata().getTokenMap().get();
    if (map.format(range.getEnd()).equals(String.valueOf(Long.MIN_VALUE)))
      return session.execute(SimpleStatement.newInstance("SELECT count(*) FROM keys WHERE token(id) > ?", range.getStart())).one().getLong(0);
    return session.execute(count.bind().setToken(0, range.getStart()).setToken(1, range.getEnd())).one().getLong(0);
  }

  static Object[] singleWrites(CqlSession session) {
    PreparedStatement insert = session.prepare("INSERT INTO events (org, kind, seq, note) VALUES ('one', 'b', :seq, :note)");
    session.execute(insert.bind(1, "kept"));
    session.execute(insert.bind().setInt("seq", 1));
    String note = "SELECT note FROM events WHERE org = 'one' AND kind = 'b' AND seq = ?";
    String kept = session.execute(note, 1).one().getString(0);
    session.execute(insert.bind(1, null));
    String gone = session.execute(note, 1).one().getString(0);
    BatchStatement batch = BatchStatement.newInstance(DefaultBatchType.LOGGED);
    for (int i = 2; i < 5; i++) batch = batch.add(insert.bind(i, "batched"));
    session.execute(batch.add(SimpleStatement.newInstance("UPDATE events SET team = 'red' WHERE org = 'one' AND kind = 'b'")));
    List<Object> rows = new ArrayList<>();
    for (Row row : session.execute("SELECT seq, team FROM events WHERE org = 'one' AND kind = 'b'")) rows.add(new Object[] {row.getInt(0), row.getString(1)});
    Row unless = session.execute("INSERT INTO events (org, kind, seq, note) VALUES ('one', 'b', 2, 'new') IF NOT EXISTS").one();
    SimpleStatement late = SimpleStatement.newInstance("UPDATE events SET note = ? WHERE org = 'one' AND kind = 'b' AND seq = 9", "late");
    session.execute(late.setQueryTimestamp(2000));
    session.execute(late.setPositionalValues(List.of("early")).setQueryTimestamp(1000));
    return new Object[] {kept, gone, rows, new Object[] {unless.getBoolean(0), unless.getString("note")}, session.execute(note, 9).one().getString(0)};
  }

  static Object[] mapped(CqlSession session) {
    session.execute("CREATE TABLE visits (user uuid, seq int, page text, PRIMARY KEY (user, seq))");
    VisitDao visits = new Judged_VisitMapperBuilder(session).build().dao(session.getKeyspace().get());
    UUID user = UUID.fromString("5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52");
    for (int i = 0; i < 5; i++) visits.save(new Visit(user, i, "/page/" + i));
    Optional<Visit> there = visits.saveNew(new Visit(user, 3, "/other"));
    visits.remove(new Visit(user, 0, null));
    List<Object> seqs = new ArrayList<>();
    for (Visit visit : visits.of(user)) seqs.add(visit.getSeq());
    return new Object[] {visits.find(user, 2).getPage(), there.map(Visit::getPage).orElse("none"), seqs};
  }

  static Object[] afterAlter(CqlSession session) {
    PreparedStatement select = session.prepare("SELECT * FROM keys WHERE id = ?");
    int before = session.execute(select.bind(1)).getColumnDefinitions().size();
    session.execute("ALTER TABLE keys ADD added text");
    int rows = session.execute(select.bind(1)).all().size();
    return new Object[] {before, session.execute("SELECT * FROM keys WHERE id = 1").getColumnDefinitions().size(), rows};
  }

  static String json(Object value) {
    if (value instanceof Map<?, ?> map) {
      List<String> entries = new ArrayList<>();
      map.forEach((key, each) -> entries.add(json(key) + ":" + json(each)));
      return "{" + String.join(",", entries) + "}";
    }
    if (value instanceof Object[] array) return json(List.of(wrapNulls(array)));
    if (value instanceof List<?> list) return "[" + String.join(",", list.stream().map(Judged::json).toList()) + "]";
    if (value instanceof Optional<?> optional) return json(optional.orElse(null));
    return value instanceof String text ? "\"" + text.replace("\"", "\\\"") + "\"" : String.valueOf(value);
  }

  static Object[] wrapNulls(Object[] array) {
    Object[] copy = new Object[array.length];
    for (int i = 0; i < array.length; i++) copy[i] = array[i] == null ? Optional.empty() : array[i];
    return copy;
  }

  public static void main(String[] none) throws Exception {
    // Host, port, keyspace; user, password, and the files of authority, certificate and key.
    String[] where = new Scanner(System.in).useDelimiter("\\A").next().split("\n");
    String keyspace = where[2];
    Map<String, Object> seen = new TreeMap<>();
    try (CqlSession session = connect(where); CqlSession other = connect(where)) {
      session.execute("DROP KEYSPACE IF EXISTS " + keyspace);
      session.execute("CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
      session.execute("USE " + keyspace);
      session.execute("CREATE TABLE events (org text, kind ascii, seq int, note text, team text static, PRIMARY KEY ((org, kind), seq)) WITH CLUSTERING ORDER BY (seq DESC)");
      session.execute("CREATE TABLE keys (id int PRIMARY KEY)");
      TableMetadata table = session.getMetadata().getKeyspace(keyspace).get().getTable("events").get();
      seen.put("partitionKey", table.getPartitionKey().stream().map((column) -> column.getName().asCql(true)).toList());
      seen.put("clusteringKey", table.getClusteringColumns().entrySet().stream().map((each) -> each.getKey().getName().asCql(true) + " " + each.getValue()).toList());
      Map<String, Object> columns = new TreeMap<>();
      table.getColumns().forEach((name, column) -> columns.put(name.asCql(true), column.getType().asCql(true, true) + (column.isStatic() ? " static" : "")));
      seen.put("columns", columns);
      seen.put("describes", table.describe(true).contains("WITH CLUSTERING ORDER BY"));
      seen.put("paged", writtenAndPaged(session));
      seen.put("byTokenRanges", byTokenRanges(session));
      seen.put("single", singleWrites(session));
      seen.put("mapped", mapped(session));
      seen.put("typesThatDiffer", typesThatDiffer(session));
      seen.put("afterAlter", afterAlter(session));
      seen.put("refused", List.of(refusal(session, "SELEC * FROM keys"), refusal(session, "SELECT nope FROM keys"), refusal(session, "CREATE TABLE keys (id int PRIMARY KEY)")));
      seen.put("traced", session.execute(SimpleStatement.newInstance("SELECT * FROM keys WHERE id = 1").setTracing(true)).getExecutionInfo().getQueryTrace().getRequestType());
      seen.put("seenByAnother", other.refreshSchema().getKeyspace(keyspace).get().getTable("events").isPresent());
      session.execute("DROP KEYSPACE " + keyspace);
    }
    System.out.println(json(seen));
  }
}
