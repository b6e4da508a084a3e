import Foundation
import MobileCLIPSearch

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The files of an update's site, by https: what ``CatalogUpdates`` fetches with.
///
/// Nothing is sent but the files' paths: no cookie, no cache, no identifier.
public struct HTTPFetch: Sendable {
    private static let secondsOfSilence: TimeInterval = 60
    private let site: URL
    private let isOnlyWiFi: Bool

    /// `site`: where the statement lies, "https://shop.example/catalog/"; `isOnlyWiFi`: not by cellular, a hotspot or in Low
    /// Data Mode, where the system tells of them (Apple's do).
    ///
    /// Throws ``SearchError/badRequest(_:)`` for an address that is not https; http is for this device's own server alone.
    public init(_ site: URL, isOnlyWiFi: Bool = false) throws {
        let isOwn = ["localhost", "127.0.0.1", "::1"].contains(site.host)
        guard site.scheme == "https" || site.scheme == "http" && isOwn else {
            throw SearchError.badRequest("an address of \(site.absoluteString), expected https://")
        }
        self.site = site
        self.isOnlyWiFi = isOnlyWiFi
    }

    /// Fetches a file from a byte on, where the server knows ranges; for ``CatalogUpdates``.
    ///
    /// Throws an error of the system, or ``SearchError/missingFile(name:problem:)`` where the server has none.
    public var fetch: UpdateFetch { { path, from in try await download(path, from) } }

    private func download(_ path: String, _ from: Int) async throws -> UpdateDownload {
        var request = URLRequest(url: site.appendingPathComponent(path))
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")  // so that bytes count as they lie there
        if from > 0 { request.setValue("bytes=\(from)-", forHTTPHeaderField: "Range") }
        let incoming = Incoming(request, configuration)
        guard case .began(let response)? = try await incoming.next() else { throw URLError(.badServerResponse) }
        // The file has no more.
        if from > 0 && response.statusCode == 416 { return UpdateDownload(start: from) { nil } }
        let start = try start(response, path, from)
        return UpdateDownload(start: start) {
            guard case .block(let block)? = try await incoming.next() else { return nil }
            return block
        }
    }

    private var configuration: URLSessionConfiguration {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        configuration.timeoutIntervalForRequest = Self.secondsOfSilence
        configuration.httpShouldSetCookies = false
        #if !canImport(FoundationNetworking)
            configuration.allowsExpensiveNetworkAccess = !isOnlyWiFi
            configuration.allowsConstrainedNetworkAccess = !isOnlyWiFi
        #endif
        return configuration
    }

    /// Where the answer begins.
    private func start(_ response: HTTPURLResponse, _ path: String, _ from: Int) throws -> Int {
        switch response.statusCode {
        case 200: return 0
        case 206:
            let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
            let digits = range.dropFirst("bytes ".count).prefix { $0.isNumber }
            guard range.hasPrefix("bytes "), let start = Int(digits) else { throw URLError(.badServerResponse) }
            return start
        default:
            throw SearchError.missingFile(name: path, problem: "the server answers \(response.statusCode)")
        }
    }
}

/// What comes of a request, handed on as it is asked for. While more than `most` bytes wait the task rests, so that a slow
/// disk fills no memory. Its end, and the last reader's, end the request.
private final class Incoming: Sendable {
    enum Event {
        case began(HTTPURLResponse)
        case block(Data)
    }

    private let events: AsyncThrowingStream<Event, any Error>
    private let delegate: Delegate

    init(_ request: URLRequest, _ configuration: URLSessionConfiguration) {
        let (events, continuation) = AsyncThrowingStream<Event, any Error>.makeStream()
        let delegate = Delegate(continuation)
        let session = URLSession(configuration: configuration, delegate: delegate, delegateQueue: nil)
        let task = session.dataTask(with: request)
        continuation.onTermination = { _ in task.cancel() }
        (self.events, self.delegate) = (events, delegate)
        task.resume()
        session.finishTasksAndInvalidate()
    }

    deinit {
        delegate.cancel()
    }

    /// nil at the end.
    func next() async throws -> Event? {
        for try await event in events {
            if case .block(let block) = event { delegate.took(block.count) }
            return event
        }
        return nil
    }
}

private final class Delegate: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private static let most = 1 << 20
    private let continuation: AsyncThrowingStream<Incoming.Event, any Error>.Continuation
    private let lock = NSLock()
    private var waiting = 0  // bytes
    private var resting: URLSessionTask?

    init(_ continuation: AsyncThrowingStream<Incoming.Event, any Error>.Continuation) {
        self.continuation = continuation
    }

    func cancel() { continuation.finish() }

    /// So many bytes were taken.
    func took(_ bytes: Int) {
        lock.withLock {
            waiting -= bytes
            guard waiting <= Self.most else { return }
            resting?.resume()
            resting = nil
        }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        if let response = response as? HTTPURLResponse { continuation.yield(.began(response)) }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        lock.withLock {
            waiting += data.count
            if waiting > Self.most && resting == nil {
                dataTask.suspend()
                resting = dataTask
            }
        }
        continuation.yield(.block(data))
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        continuation.finish(throwing: error)
    }

    /// To the same server alone: whoever holds another could watch or stop updates, though not forge them.
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        let (old, new) = (task.originalRequest?.url, request.url)
        let isSame = old?.scheme == new?.scheme && old?.host == new?.host && old?.port == new?.port
        completionHandler(isSame ? request : nil)
    }
}
