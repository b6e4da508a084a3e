import MobileCLIPShop
import SwiftUI

/// The clerk's screen: a picture of a new product, its name and price; it is found at once. What was added, and the list to
/// share.
struct StaffScreen: View {
    @State private var entry = ShopEntry()
    @State private var message: Text?
    @State private var picture: URL?
    @State private var added: [ShopCard] = []
    @State private var list: URL?
    @SceneStorage("entry") private var saved: Data?
    @Environment(\.scenePhase) private var phase
    @Environment(ShopKeeper.self) private var keeper

    var body: some View {
        Form {
            Section {
                LabeledContent("Take a picture of the product") {
                    PictureButtons { load in Task { await take(load) } }
                }
                if let picture { PicturePreview(file: picture, longest: 256).frame(maxHeight: 160) }
                TextField("Product number", text: $entry.id)
                TextField("Name", text: $entry.name)
                TextField("Price", text: $entry.price).keyboardType(.numbersAndPunctuation)
                TextField("Category", text: $entry.category)
                TextField("Description", text: $entry.description)
                Button("Add") { Task { await add() } }
                if let message { message }
            }
            Section {
                ForEach(added) { card in
                    HStack {
                        NavigationLink(value: Route.details(id: card.id)) { Text(verbatim: card.name) }
                        IconButton(title: "Remove from the shop", symbol: "trash") {
                            Task { await change { try await $0.remove(card.id) } }
                        }
                    }
                }
                if let list { ShareLink("Share the list", item: list) }
            }
        }
        .buttonStyle(.borderless)  // else a touch on a row is a touch on all of its buttons
        .navigationTitle("Add a product").navigationBarTitleDisplayMode(.inline)
        .task {
            if entry == ShopEntry(), let saved {
                entry = (try? JSONDecoder().decode(ShopEntry.self, from: saved)) ?? entry
            }
            await change { _ in }
        }
        .onChange(of: phase) { saved = try? JSONEncoder().encode(entry) }
    }

    private func take(_ load: @escaping PictureLoader) async {
        let taken = await keeper.result { [old = entry.picture] shop in
            try await shop.keep(load { _ in }, insteadOf: old)
        }
        switch taken {
        case .success(let (picture, category)):
            entry.picture = picture
            if entry.category.isEmpty { entry.category = category ?? "" }
            await change { _ in }
        case .failure(let problem): message = Text(words(problem))
        }
    }

    private func add() async {
        let name = entry.name
        await change { [entry] in try await $0.add(entry, locale: .current) }
        if message == nil { (entry, message) = (ShopEntry(), Text("\(name) can be found now.")) }
    }

    /// Does something with the shop, and shows what the staff's products are then.
    private func change(_ work: @escaping @Sendable (Shop) async throws -> Void) async {
        let state = await keeper.result { [picture = entry.picture] shop in
            try await work(shop)
            return (try await shop.added(), try zipped(await shop.exported()), picture.map { shop.file($0) })
        }
        switch state {
        case .success(let shown): (added, list, picture, message) = (shown.0, shown.1, shown.2, nil)
        case .failure(let problem): message = Text(words(problem))
        }
    }
}

/// A folder as one file, beside it: what the share sheet takes.
private nonisolated func zipped(_ folder: URL) throws -> URL {
    let file = folder.deletingLastPathComponent().appending(path: "products.zip")
    try? FileManager.default.removeItem(at: file)
    var failure: NSError?
    NSFileCoordinator().coordinate(readingItemAt: folder, options: .forUploading, error: &failure) {
        try? FileManager.default.copyItem(at: $0, to: file)
    }
    if let failure { throw failure }
    return file
}
