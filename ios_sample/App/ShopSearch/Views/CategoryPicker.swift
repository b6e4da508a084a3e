import SwiftUI

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
        .pickerStyle(.menu)
        .frame(maxWidth: .infinity, minHeight: 44, alignment: .leading)
        .onChange(of: model.question.category) { model.ask() }
    }
}
