import MobileCLIPShop
import SwiftUI

/// Checks the encoders on each of this device's processors against golden embeddings that lie in the app's Documents folder
/// (what `parity/goldens` holds), and writes `self-check.json` beside them. Hidden: `shopsearch://self-check` opens it.
struct SelfCheckScreen: View {
    @State private var report: URL?
    @State private var text = ""
    @Environment(ShopKeeper.self) private var keeper

    var body: some View {
        ScrollView {
            Text(verbatim: text).font(.caption.monospaced()).textSelection(.enabled).padding()
            if let report { ShareLink(item: report) } else { ProgressView() }
        }
        .navigationTitle("Self-check").navigationBarTitleDisplayMode(.inline)
        .task { await run() }
    }

    private func run() async {
        let made = await keeper.result { [ios = UIDevice.current.systemVersion] in try await selfCheck($0, ios: ios) }
        if case .success(let (file, json)) = made { (report, text) = (file, json) }
        if case .failure(let problem) = made { text = "\(problem)" }
    }
}
