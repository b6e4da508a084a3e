import CoreGraphics
import CoreML
import CoreVideo
import Foundation
import ImageIO
@testable import MobileCLIPKit
import MobileCLIPSearch

// MobileCLIPKit over a Core ML that counts (ios_sample/Stubs), on Linux: what is loaded, compiled and asked, and when it is
// dropped. Not Core ML's numbers. Prints a line a check; tests/test_ios_search.py builds and reads it.

/// A folder with a manifest, and two packages.
struct Made {
    static let space = String(repeating: "ab", count: 32)
    static let root = FileManager.default.temporaryDirectory.appendingPathComponent("kit-\(UUID().uuidString)")
    let folder = Made.root.appendingPathComponent(UUID().uuidString)
    let manifest: ModelManifest

    init(minimumIOS: Int = 16, space: String = Made.space) throws {
        for part in ["image", "text"] {
            let package = folder.appendingPathComponent("\(part).mlpackage")
            try FileManager.default.createDirectory(at: package, withIntermediateDirectories: true)
            try Data(space.utf8).write(to: package.appendingPathComponent("space"))
        }
        let digests = ["image": "1", "text": "2"].mapValues { String(repeating: $0, count: 64) }
        let artifacts = digests.sorted { $0.key < $1.key }.map { part, digest in
            #"{"encoder":"\#(part)","format":"coreml","precision":"fp16","path":"\#(part).mlpackage","#
                + #""sha256":"\#(digest)","bytes":1,"minimum_ios":\#(minimumIOS)}"#
        }
        let json = """
            {"version":1,"model":"made","space":"\(Made.space)","embedding":{"dim":\(CoreMLCounts.dim)},"logit_scale":1,
             "image":{"width":8,"height":8,"crop":"centre",
                      "resize":{"mode":"shortest","interpolation":"bilinear","antialias":true}},
             "text":{"context_length":3,"end_token":1,"pad_token":0,"templates":["{}"],"scripts":[],
                     "tokenizer":{"path":"t","sha256":"\(Made.space)"}},
             "licence":{"name":"n","url":"","commercial_use":null},"shippable":true,
             "artifacts":[\(artifacts.joined(separator: ","))]}
            """
        let file = folder.appendingPathComponent("manifest.json")
        try Data(json.utf8).write(to: file)
        manifest = try ModelManifest.load(file)
    }

    func encoder(
        units: MLComputeUnits = .cpuAndNeuralEngine, textUnits: MLComputeUnits? = nil, system: Int? = 17,
        suffix: String = "mlpackage",
        onChange: @escaping @Sendable (EncoderPart, CoreMLEncoder.State) -> Void = { _, _ in }
    ) -> CoreMLEncoder {
        CoreMLEncoder(
            manifest, image: folder.appendingPathComponent("image.\(suffix)"),
            text: folder.appendingPathComponent("text.\(suffix)"), computeUnits: units, textComputeUnits: textUnits,
            system: system, caches: folder.appendingPathComponent("caches"), onChange: onChange)
    }
}

let counts = CoreMLCounts.shared
let square = [UInt8](repeating: 7, count: 3 * 8 * 8)

func expect(_ isTrue: Bool, _ what: String) {
    print(isTrue ? "ok" : "FAILED", what)
}

func fails(_ kind: ErrorKind, _ what: String, _ body: () async throws -> Void) async {
    do {
        try await body()
        expect(false, what)
    } catch {
        expect(ErrorKind(of: error) == kind, "\(what): \(error)")
    }
}

func loadsOnce() async throws {
    counts.reset()
    let encoder = try Made().encoder()
    async let first = encoder.text([3])
    async let second = encoder.text([4])
    async let third = encoder.image(square)
    let found = try await [first, second, third].map { $0[0] }
    expect(found == [3, 4, 7], "the inputs' own embeddings come back")
    expect(counts.now.loads == 2 && counts.now.mostLoading == 1, "two encoders asked at once load once, one at a time")
    expect(counts.now.predictions == 3 && counts.now.batches.isEmpty, "a single query goes by the asynchronous call")
    expect(counts.now.units == [.cpuAndNeuralEngine, .cpuAndNeuralEngine], "the GPU is left out by default")
    await encoder.release()
    expect(counts.now.alive == 0, "a release drops both models")
}

func releasedWhileLoading() async throws {
    counts.reset()
    let states = States()
    let encoder = try Made().encoder { part, state in states.add(part, state) }
    let search = Task { try await encoder.text([5]) }
    while counts.now.loading == 0 { await Task.yield() }
    await encoder.release()
    expect(try await search.value[0] == 5, "a search that waits for the load gets its answer")
    try await Task.sleep(for: .milliseconds(50))
    expect(
        counts.now.loads == 1 && counts.now.mostAlive == 1,
        "a memory warning in the middle of a load: one model, one load")
    expect(counts.now.alive == 0, "and none is left")
    expect(states.all == [.preparing, .ready, .released], "with its states told")
    let prepare = Task { try await encoder.prepare(.text) }
    while counts.now.loading == 0 { await Task.yield() }
    await encoder.release()
    try await prepare.value
    expect(counts.now.loads == 2 && counts.now.alive == 0, "the same of a load that nobody waits for")
    _ = try await encoder.text([6])
    expect(counts.now.loads == 3 && counts.now.mostAlive == 1, "the next search loads again")
    await encoder.release()
}

final class States: @unchecked Sendable {
    private let lock = NSLock()
    private var told: [CoreMLEncoder.State] = []
    var all: [CoreMLEncoder.State] { lock.withLock { told } }
    func add(_ part: EncoderPart, _ state: CoreMLEncoder.State) { lock.withLock { told.append(state) } }
}

func compiledOnce() async throws {
    counts.reset()
    let made = try Made()
    for _ in 0..<3 {
        let encoder = made.encoder()
        try await encoder.prepare()
        await encoder.release()
    }
    expect(counts.now.loads == 6 && counts.now.compilations == 2, "three starts of two encoders compile each once")
    let kept = made.folder.appendingPathComponent("caches/MobileCLIPSearch")
    let one = kept.appendingPathComponent("\(String(repeating: "1", count: 64)).mlmodelc")
    try FileManager.default.removeItem(at: one.appendingPathComponent("space"))
    try await made.encoder().prepare()
    expect(counts.now.compilations == 3, "a kept model that cannot be loaded is compiled anew")
    let left = try FileManager.default.contentsOfDirectory(atPath: FileManager.default.temporaryDirectory.path)
    expect(!left.contains { $0.hasSuffix(".mlmodelc") }, "nothing stays in the temporary folder")
    try FileManager.default.copyItem(at: one, to: made.folder.appendingPathComponent("image.mlmodelc"))
    try FileManager.default.copyItem(at: one, to: made.folder.appendingPathComponent("text.mlmodelc"))
    try await made.encoder(suffix: "mlmodelc").prepare()
    expect(counts.now.compilations == 3, "what Xcode compiled is not compiled again")
    try await made.encoder(units: .all, textUnits: .cpuOnly).prepare()
    expect(counts.now.units.suffix(2) == [.cpuOnly, .all], "compute units of each encoder")
    let compiled = try await compiledPackage(made.folder.appendingPathComponent("image.mlpackage"))
    expect(counts.now.compilations == 4 && compiled.pathExtension == "mlmodelc", "a package is compiled when asked")
    try FileManager.default.removeItem(at: compiled)
    await fails(.damaged, "what cannot be compiled is refused") { _ = try await compiledPackage(compiled) }
}

func openedFromABundle() async throws {
    counts.reset()
    let made = try Made()
    for _ in 0..<2 {
        let encoder = try CoreMLEncoder(bundle: made.folder, made.manifest)
        expect(try await encoder.text([3])[0] == 3, "the encoders of a folder answer")
        try await encoder.prepare(.image)
        await encoder.release()
    }
    let compiled = try FileManager.default.subpathsOfDirectory(atPath: made.folder.path)
        .filter { $0.hasSuffix(".mlmodelc") }
    expect(counts.now.compilations == 2 && compiled.count == 2, "and what is compiled of them lies in it")
    let manifest = made.folder.appendingPathComponent("manifest.json")
    let text = try String(contentsOf: manifest, encoding: .utf8)
    try Data(text.replacingOccurrences(of: "coreml", with: "tflite").utf8).write(to: manifest)
    let other = try ModelManifest.load(manifest)
    await fails(.mismatched, "a folder without encoders for Core ML is refused") {
        _ = try CoreMLEncoder(bundle: made.folder, other)
    }
}

func manyPictures() async throws {
    counts.reset()
    let encoder = try Made().encoder()
    let progress = States2()
    let found = try await encoder.images(count: 40, onProgress: { progress.add($0) }) { place in
        [UInt8](repeating: UInt8(place), count: 3 * 8 * 8)
    }
    expect(found.map { $0[0] } == (0..<40).map { Float($0) }, "many pictures in their order")
    expect(counts.now.batches == [16, 16, 8], "in batches")
    expect(progress.all == [16, 32, 40], "with progress")
    let task = Task {
        try await encoder.images(count: 1000) { place in
            if place == 20 { withUnsafeCurrentTask { $0?.cancel() } }
            return square
        }
    }
    do {
        _ = try await task.value
        expect(false, "a cancelled task stops")
    } catch {
        expect(error is CancellationError && counts.now.batches.count <= 5, "a cancelled task stops at the next batch")
    }
    await fails(.other, "a square of another size is refused") { _ = try await encoder.image([1]) }
}

final class States2: @unchecked Sendable {
    private let lock = NSLock()
    private var told: [Int] = []
    var all: [Int] { lock.withLock { told } }
    func add(_ done: Int) { lock.withLock { told.append(done) } }
}

func refusals() async throws {
    counts.reset()
    let later = try Made(minimumIOS: 18)
    await fails(.mismatched, "an encoder for a later system is refused") { try await later.encoder().prepare() }
    expect(counts.now.loads == 0, "before it is loaded")
    try await later.encoder(system: 18).prepare()
    try await later.encoder(system: nil).prepare()
    let alien = try Made(space: String(repeating: "cd", count: 32))
    await fails(.mismatched, "an encoder of another space is refused") { try await alien.encoder().prepare() }
    let made = try Made()
    await fails(.missing, "a missing encoder is refused") { try await made.encoder(suffix: "mlmodelc").prepare() }
    await fails(.picture, "what is no picture is refused") {
        _ = try RGBImage(decoding: Data("no picture".utf8), for: made.manifest.preprocessor)
    }
    let encoder = made.encoder()
    try FileManager.default.removeItem(at: made.folder.appendingPathComponent("text.mlpackage/space"))
    await fails(.damaged, "a package that cannot be loaded is refused") { try await encoder.prepare(.text) }
    try Data(Made.space.utf8).write(to: made.folder.appendingPathComponent("text.mlpackage/space"))
    try await encoder.prepare(.text)
    expect(true, "and tried again the next time")
    let image = try RGBImage(CGImage(width: 3, height: 2), orientation: .right)
    expect((image.width, image.height) == (2, 3), "a frame is turned upright")
}

try await loadsOnce()
try await releasedWhileLoading()
try await compiledOnce()
try await openedFromABundle()
try await manyPictures()
try await refusals()
try FileManager.default.removeItem(at: Made.root)
