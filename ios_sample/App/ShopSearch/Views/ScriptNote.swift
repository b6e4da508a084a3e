import MobileCLIPShop
import SwiftUI

/// A word where the query is in writing systems that the model does not know.
struct ScriptNote: View {
    let unknown: [String]

    var body: some View {
        if !unknown.isEmpty {
            Text(
                "The search was not taught words in this writing: \(names). Results may be wrong; words in a writing that it knows, or a picture, work better."
            )
            .font(.callout)
            .frame(maxWidth: .infinity, alignment: .leading)
            .padding(12)
            .background(.yellow.opacity(0.25), in: .rect(cornerRadius: 8))
            .padding([.horizontal, .top])
        }
    }

    private var names: String {
        unknown.map { writingSystemName($0, locale: .current) ?? String(localized: "another writing") }
            .formatted(.list(type: .and))
    }
}
