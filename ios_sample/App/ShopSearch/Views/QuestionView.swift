import MobileCLIPShop
import SwiftUI

/// The upper part of the search screen: the text, the picture, the balance between both, the category, the price.
struct QuestionView: View {
    @Bindable var model: SearchModel
    @FocusState private var isTyping: Bool

    var body: some View {
        VStack(spacing: 8) {
            HStack(spacing: 0) {
                TextField("Search the shop", text: $model.question.text)
                    .textFieldStyle(.roundedBorder).submitLabel(.search).focused($isTyping)
                    .onSubmit { model.submit() }
                    .onChange(of: isTyping) { if isTyping { model.prepare(.text) } }
                IconButton(title: "Search", symbol: "magnifyingglass") {
                    isTyping = false
                    model.submit()
                }
            }
            HStack(spacing: 0) {
                if model.categories.count > 1 { CategoryPicker(model: model) } else { Spacer() }
                PictureButtons { model.choose($0) }
            }
            if !model.currency.isEmpty { PriceFilter(model: model) }
            if let picture = model.question.picture { PictureRow(model: model, picture: picture) }
        }
        .padding(.horizontal).padding(.vertical, 8).background(.bar)
        .background {
            Button("Search the shop") { isTyping = true }.keyboardShortcut("f").opacity(0).accessibilityHidden(true)
        }
    }
}

/// One category, or all of them.
struct CategoryPicker: View {
    @Bindable var model: SearchModel

    var body: some View {
        Picker("Category", selection: $model.question.category) {
            Text("All categories").tag(String?.none)
            ForEach(model.categories, id: \.self) { name in
                (name.isEmpty ? Text("Other") : Text(verbatim: name)).tag(Optional(name))
            }
        }
        .pickerStyle(.menu).frame(maxWidth: .infinity, minHeight: 44, alignment: .leading)
        .onChange(of: model.question.category) { model.ask() }
    }
}

/// The least and the highest price; empty for no matter.
struct PriceFilter: View {
    @Bindable var model: SearchModel

    var body: some View {
        HStack {
            field("Price from", $model.question.lowest)
            field("Price to", $model.question.highest)
        }
        .onSubmit { model.ask() }
    }

    private func field(_ title: LocalizedStringKey, _ price: Binding<Decimal?>) -> some View {
        TextField(title, value: price, format: .currency(code: model.currency))
            .textFieldStyle(.roundedBorder).keyboardType(.numbersAndPunctuation).submitLabel(.search)
    }
}
