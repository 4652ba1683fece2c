import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.QueryParameters;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.backend.memory.index.MemoryUniqueIndex;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;

/** A MongoDB server that keeps everything in memory: {@code java StandIn <host> <port>}. It prints where it listens. */
public final class StandIn {
    /** The library itself claims 4.0 at most, which current drivers refuse. */
    private static final MongoVersion VERSION = new MongoVersion() {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    };

    private StandIn() {}

    public static void main(String[] arguments) {
        MongoServer server = new MongoServer(new Backend().version(VERSION));
        server.bind(arguments[0], Integer.parseInt(arguments[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println(server.getConnectionString());
    }

    private static final class Backend extends MemoryBackend {
        @Override
        public MemoryDatabase openOrCreateDatabase(String name) {
            return new Database(name, getCursorRegistry());
        }
    }

    private static final class Database extends MemoryDatabase {
        Database(String name, CursorRegistry cursors) { super(name, cursors); }

        @Override
        protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
            return new Collection(this, name, options, cursorRegistry);
        }

        @Override
        protected Index<Integer> openOrCreateUniqueIndex(String collection, String name, List<IndexKey> keys, boolean sparse) {
            return new PrefixIndex(name, keys, sparse);
        }
    }

    /**
     * A real server answers with documents as they were at one moment. The library sends those that it keeps, and changes
     * them while they are sent: a reader could get an old vector with a new write_id.
     */
    private static final class Collection extends MemoryCollection {
        private boolean reading;
        private boolean modifying;

        Collection(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
            super(database, name, options, cursors);
        }

        @Override
        public synchronized QueryResult handleQuery(QueryParameters query) {
            reading = !modifying; // whoever changes documents asks for them, too, and needs the kept ones
            try {
                return super.handleQuery(query);
            } finally {
                reading = false;
            }
        }

        @Override
        public synchronized Document findAndModify(Document query) {
            modifying = true;
            try {
                return super.findAndModify(query).cloneDeeply();
            } finally {
                modifying = false;
            }
        }

        @Override
        protected QueryResult createQueryResult(List<Document> documents, int batchSize) {
            if (!reading) return super.createQueryResult(documents, batchSize);
            return super.createQueryResult(documents.stream().map(Document::cloneDeeply).toList(), batchSize);
        }
    }

    /** A real server finds a document by a unique key that is part of a query; the library would read all of them. */
    private static final class PrefixIndex extends MemoryUniqueIndex {
        PrefixIndex(String name, List<IndexKey> keys, boolean sparse) { super(name, keys, sparse); }

        @Override
        public synchronized boolean canHandle(Document query) {
            return query.keySet().containsAll(keySet()) && super.canHandle(part(query));
        }

        @Override
        public synchronized Iterable<Integer> getPositions(Document query) {
            return super.getPositions(part(query));
        }

        private Document part(Document query) {
            Document part = new Document();
            for (String key : keys()) part.put(key, query.get(key));
            return part;
        }
    }
}
