/// The values used last, `most` of them.
struct Recent<Key: Equatable, Value> {
    private let most: Int
    private var entries: [(key: Key, value: Value)] = []  // the latest last

    init(most: Int) {
        self.most = most
    }

    subscript(key: Key) -> Value? {
        mutating get {
            guard let place = entries.firstIndex(where: { $0.key == key }) else { return nil }
            let entry = entries.remove(at: place)
            entries.append(entry)
            return entry.value
        }
        set {
            entries.removeAll { $0.key == key }
            if let newValue { entries.append((key, newValue)) }
            if entries.count > most { entries.removeFirst() }
        }
    }
}
