@_exported import CoreGraphics
@_exported import CoreTransferable
@_exported import Foundation
@_exported import UIKit

// Views

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder @MainActor @preconcurrency var body: Body { get }
}

extension Never: View {
    public var body: Never { fatalError() }
}

@resultBuilder public enum ViewBuilder {
    public static func buildExpression<V: View>(_ view: V) -> V { view }
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<V: View>(_ view: V) -> V { view }
    public static func buildBlock<each V: View>(_ views: repeat each V) -> EmptyView { EmptyView() }
    public static func buildIf<V: View>(_ view: V?) -> V? { view }
    public static func buildEither<A: View, B: View>(first: A) -> Either<A, B> { Either() }
    public static func buildEither<A: View, B: View>(second: B) -> Either<A, B> { Either() }
}

public protocol Primitive: View where Body == Never {}
extension Primitive { public var body: Never { fatalError() } }
extension Optional: View where Wrapped: View {
    public var body: Never { fatalError() }
}

public struct EmptyView: Primitive { public nonisolated init() {} }
public struct Either<A: View, B: View>: Primitive { nonisolated init() {} }
public struct AnyView: Primitive { public init(_ view: some View) {} }

public struct Text: Primitive, Equatable, Sendable {
    public nonisolated init(_ key: LocalizedStringKey) {}
    public nonisolated init(verbatim: String) {}
    public nonisolated static func == (a: Text, b: Text) -> Bool { true }
}

public struct LocalizedStringKey: Equatable, ExpressibleByStringInterpolation, Sendable {
    public init(stringLiteral value: String) {}
}

extension String {
    public struct LocalizationValue: ExpressibleByStringInterpolation {
        public init(stringLiteral value: String) {}
    }
    public init(localized: LocalizationValue) { self = "" }
}

public struct Image: Primitive, Equatable, Sendable {
    public nonisolated init(systemName: String) {}
    public nonisolated init(uiImage: UIImage) {}
    public nonisolated init(decorative image: CGImage, scale: CGFloat) {}
    public nonisolated func resizable() -> Image { self }
    public enum Scale: Sendable { case small, medium, large }
    public nonisolated static func == (a: Image, b: Image) -> Bool { true }
}

public struct Label: Primitive { public nonisolated init(_ title: LocalizedStringKey, systemImage: String) {} }
public struct Spacer: Primitive { public nonisolated init() {} }
public struct Group<C: View>: Primitive { public nonisolated init(@ViewBuilder content: () -> C) {} }
public struct Section<P: View, C: View>: Primitive {
    public init(@ViewBuilder content: () -> C, @ViewBuilder header: () -> P) {}
}
extension Section where P == Text { public init(_ title: LocalizedStringKey, @ViewBuilder content: () -> C) {} }
extension Section where P == EmptyView { public init(@ViewBuilder content: () -> C) {} }
public struct HStack<C: View>: Primitive {
    public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> C) {}
}
public struct VStack<C: View>: Primitive {
    public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> C) {}
}
public struct ZStack<C: View>: Primitive {
    public init(alignment: Alignment = .center, @ViewBuilder content: () -> C) {}
}
public struct LazyVGrid<C: View>: Primitive {
    public init(
        columns: [GridItem], alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil,
        @ViewBuilder content: () -> C
    ) {}
}
public struct GridItem: Sendable {
    public enum Size: Sendable { case adaptive(minimum: CGFloat, maximum: CGFloat = .infinity) }
    public init(_ size: Size, spacing: CGFloat? = nil, alignment: Alignment? = nil) {}
}
public struct ScrollView<C: View>: Primitive {
    public init(_ axes: Axis.Set = .vertical, @ViewBuilder content: () -> C) {}
}
public struct ViewThatFits<C: View>: Primitive {
    public init(in axes: Axis.Set = [.horizontal, .vertical], @ViewBuilder content: () -> C) {}
}
public struct GeometryProxy { public var size: CGSize { .zero } }
public struct GeometryReader<C: View>: Primitive {
    public init(@ViewBuilder content: @escaping (GeometryProxy) -> C) {}
}
public struct Form<C: View>: Primitive { public init(@ViewBuilder content: () -> C) {} }
public struct LabeledContent<L: View, C: View>: Primitive {}
extension LabeledContent where L == Text {
    public init(_ title: LocalizedStringKey, @ViewBuilder content: () -> C) {}
}
extension LabeledContent where L == Text, C == Text {
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, value: S) {}
}
public struct ForEach<Data: RandomAccessCollection, ID: Hashable, C: View>: Primitive {
    public init(_ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> C) {}
    @MainActor public func onDelete(perform: ((IndexSet) -> Void)?) -> some View { self }
}
extension ForEach where ID == Data.Element.ID, Data.Element: Identifiable {
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> C) {}
}
public struct ContentUnavailableView<L: View, D: View, A: View>: Primitive {
    public init(@ViewBuilder label: () -> L, @ViewBuilder description: () -> D, @ViewBuilder actions: () -> A) {}
}
extension ContentUnavailableView where L == Label, D == Text?, A == EmptyView {
    public init(_ title: LocalizedStringKey, systemImage: String, description: Text? = nil) {}
}
public struct ProgressView: Primitive {
    public nonisolated init() {}
    public nonisolated init(_ progress: Progress) {}
}
public struct Button<L: View>: Primitive {
    public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> L) {}
}
extension Button where L == Text {
    public init(_ title: LocalizedStringKey, action: @escaping @MainActor () -> Void) {}
}
public struct Link<L: View>: Primitive {}
extension Link where L == Text { public init(_ title: LocalizedStringKey, destination: URL) {} }
public struct ShareLink<L: View>: Primitive {}
extension ShareLink where L == Label { public init(_ title: LocalizedStringKey, item: URL) {} }
extension ShareLink where L == EmptyView { public init(item: URL) {} }
public struct PasteButton: Primitive {
    @MainActor public init<T: Transferable>(payloadType: T.Type, onPaste: @escaping @MainActor ([T]) -> Void) {}
}
public struct NavigationStack<Data, R: View>: Primitive {}
extension NavigationStack where Data == Never { public init(@ViewBuilder root: () -> R) {} }
extension NavigationStack where Data == [Any] {
    public init<P: MutableCollection & RandomAccessCollection & RangeReplaceableCollection>(
        path: Binding<P>, @ViewBuilder root: () -> R
    ) where P.Element: Hashable {}
}
public struct NavigationLink<L: View>: Primitive {
    public init<P: Hashable>(value: P?, @ViewBuilder label: () -> L) {}
}
public struct TextField<L: View>: Primitive {}
extension TextField where L == Text {
    public init(_ title: LocalizedStringKey, text: Binding<String>) {}
    public init<F: ParseableFormatStyle>(_ title: LocalizedStringKey, value: Binding<F.FormatInput?>, format: F)
    where F.FormatOutput == String {}
}
public struct Picker<L: View, S: Hashable, C: View>: Primitive {}
extension Picker where L == Text {
    public init(_ title: LocalizedStringKey, selection: Binding<S>, @ViewBuilder content: () -> C) {}
}
public struct Slider<L: View, V: View>: Primitive {
    public init<N: BinaryFloatingPoint>(
        value: Binding<N>, in bounds: ClosedRange<N>, step: N.Stride, @ViewBuilder label: () -> L,
        @ViewBuilder minimumValueLabel: () -> V, @ViewBuilder maximumValueLabel: () -> V,
        onEditingChanged: @escaping (Bool) -> Void = { _ in }
    ) where N.Stride: BinaryFloatingPoint {}
}

@MainActor @preconcurrency public protocol UIViewRepresentable: View where Body == Never {
    associatedtype UIViewType: UIView
    typealias Context = UIViewRepresentableContext<Self>
    @MainActor @preconcurrency func makeUIView(context: Context) -> UIViewType
    @MainActor @preconcurrency func updateUIView(_ view: UIViewType, context: Context)
}
extension UIViewRepresentable { public var body: Never { fatalError() } }
public struct UIViewRepresentableContext<R> {}

// Layout, shapes, styles

public struct HorizontalAlignment: Sendable {
    public static let leading = Self(), center = Self(), trailing = Self()
}
public struct VerticalAlignment: Sendable { public static let top = Self(), center = Self(), bottom = Self() }
public struct Alignment: Sendable {
    public static let leading = Self(), center = Self(), top = Self(), topLeading = Self(), topTrailing = Self()
}
public enum Axis: Sendable {
    public struct Set: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }
        public static let horizontal = Set(rawValue: 1), vertical = Set(rawValue: 2)
    }
}
public struct Edge: Sendable {
    public struct Set: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }
        public static let horizontal = Set(rawValue: 1), vertical = Set(rawValue: 2), top = Set(rawValue: 4)
        public static let all = Set(rawValue: 7)
    }
}
public protocol Layout: Sendable {
    func callAsFunction<V: View>(@ViewBuilder _ content: () -> V) -> EmptyView
}
extension Layout { public func callAsFunction<V: View>(@ViewBuilder _ content: () -> V) -> EmptyView { EmptyView() } }
public struct AnyLayout: Layout { public init(_ layout: some Layout) {} }
public struct HStackLayout: Layout {
    public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil) {}
}
public struct VStackLayout: Layout {
    public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil) {}
}
public protocol ShapeStyle: Sendable {}
public struct Color: ShapeStyle, Primitive {
    public static let clear = Color(), yellow = Color()
    public nonisolated init() {}
    public func opacity(_ share: Double) -> Color { self }
}
extension ShapeStyle where Self == Color { public static var yellow: Color { Color() } }
public struct AnyStyle: ShapeStyle {}
extension ShapeStyle where Self == AnyStyle {
    public static var tint: AnyStyle { AnyStyle() }
    public static var secondary: AnyStyle { AnyStyle() }
    public static var bar: AnyStyle { AnyStyle() }
}
public protocol Shape: Primitive, Sendable {}
extension Shape {
    public nonisolated func fill<S: ShapeStyle>(_ style: S) -> some View { EmptyView() }
    public nonisolated func stroke<S: ShapeStyle>(_ style: S, lineWidth: CGFloat = 1) -> some View { EmptyView() }
}
public struct Rectangle: Shape { public nonisolated init() {} }
public struct Circle: Shape { public nonisolated init() {} }
public struct RoundedRectangle: Shape { public nonisolated init(cornerRadius: CGFloat) {} }
extension Shape where Self == Rectangle { public nonisolated static var rect: Rectangle { Rectangle() } }
extension Shape where Self == RoundedRectangle {
    public nonisolated static func rect(cornerRadius: CGFloat) -> RoundedRectangle {
        RoundedRectangle(cornerRadius: cornerRadius)
    }
}
public struct Font: Sendable {
    public static let title = Font(), title3 = Font(), headline = Font(), subheadline = Font(), body = Font()
    public static let callout = Font(), caption = Font()
    public func monospaced() -> Font { self }
}
public enum DynamicTypeSize: Comparable, Sendable {
    case large, xxxLarge, accessibility1
    public var isAccessibilitySize: Bool { self > .xxxLarge }
}
public enum LayoutDirection: Sendable { case leftToRight, rightToLeft }
public enum UserInterfaceSizeClass: Sendable { case compact, regular }
public enum ScenePhase: Sendable { case active, inactive, background }
public enum TextAlignment: Sendable { case leading, center }
public struct AccessibilityTraits: Sendable { public static let isHeader = Self() }
public struct AccessibilityChildBehavior: Sendable { public static let combine = Self(), ignore = Self() }
public enum AccessibilityAdjustmentDirection: Sendable { case increment, decrement }
public struct SubmitLabel: Sendable { public static let search = Self(), done = Self() }
public struct KeyEquivalent: Sendable, ExpressibleByExtendedGraphemeClusterLiteral {
    public init(extendedGraphemeClusterLiteral: Character) {}
}
public struct KeyboardShortcut: Sendable { public static let cancelAction = Self(), defaultAction = Self() }
public struct UIKeyboardType: Sendable { public static let numbersAndPunctuation = Self(), decimalPad = Self() }
public struct ScrollDismissesKeyboardMode: Sendable { public static let immediately = Self() }
public enum NavigationBarItem { public enum TitleDisplayMode: Sendable { case inline, large } }
public struct AnyKind: Sendable {
    public static let iconOnly = Self(), bordered = Self(), borderedProminent = Self(), plain = Self(), menu = Self(),
        borderless = Self()
    public static let roundedBorder = Self(), capsule = Self(), enabled = Self()
}

// State

@propertyWrapper public struct State<Value> {
    public init(wrappedValue: Value) {}
    public init(initialValue: Value) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { fatalError() }
}
extension State where Value: ExpressibleByNilLiteral { public init() {} }
extension State: Sendable where Value: Sendable {}

@propertyWrapper @dynamicMemberLookup public struct Binding<Value> {
    public init(get: @escaping () -> Value, set: @escaping (Value) -> Void) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { self }
    public subscript<S>(dynamicMember path: WritableKeyPath<Value, S>) -> Binding<S> { fatalError() }
}

@propertyWrapper @dynamicMemberLookup public struct Bindable<Value> {
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public var wrappedValue: Value
    public var projectedValue: Bindable<Value> { self }
    public subscript<S>(dynamicMember path: ReferenceWritableKeyPath<Value, S>) -> Binding<S> { fatalError() }
}

@propertyWrapper public struct SceneStorage<Value> {
    private let value: [Value] = []
    init(nothing: ()) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
}
extension SceneStorage where Value == Data? { public init(_ key: String) { self.init(nothing: ()) } }

@propertyWrapper @MainActor @preconcurrency public struct FocusState<Value: Hashable> {
    public init() where Value == Bool {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public struct Binding {}
    public var projectedValue: Binding { fatalError() }
}

public struct DismissAction { @MainActor public func callAsFunction() {} }
public struct OpenURLAction: Sendable { @MainActor public func callAsFunction(_ url: URL) {} }
public struct EnvironmentValues {
    public var dismiss: DismissAction { DismissAction() }
    public var openURL: OpenURLAction { OpenURLAction() }
    public var dynamicTypeSize = DynamicTypeSize.large
    public var layoutDirection = LayoutDirection.leftToRight
    public var scenePhase = ScenePhase.active
    public var horizontalSizeClass: UserInterfaceSizeClass?
    public var verticalSizeClass: UserInterfaceSizeClass?
}

@propertyWrapper public struct Environment<Value> {
    public init(_ path: KeyPath<EnvironmentValues, Value>) {}
    public init(_ type: Value.Type) where Value: AnyObject {}
    public var wrappedValue: Value { fatalError() }
}

// Gestures

@MainActor @preconcurrency public protocol Gesture { associatedtype Value }
public struct CoordinateSpaceProtocol: Sendable { public static let local = Self(), global = Self() }
public struct DragGesture: Gesture {
    public struct Value: Sendable { public var translation: CGSize { .zero } }
    public nonisolated init(minimumDistance: CGFloat = 10, coordinateSpace: CoordinateSpaceProtocol = .local) {}
}
extension Gesture {
    public func onChanged(_ action: @escaping (Value) -> Void) -> Self { self }
    public func onEnded(_ action: @escaping (Value) -> Void) -> Self { self }
}

// Modifiers

extension View {
    public nonisolated func frame(
        width: CGFloat? = nil, height: CGFloat? = nil, alignment: Alignment = .center
    ) -> some View { self }
    public nonisolated func frame(
        minWidth: CGFloat? = nil, idealWidth: CGFloat? = nil, maxWidth: CGFloat? = nil, minHeight: CGFloat? = nil,
        idealHeight: CGFloat? = nil, maxHeight: CGFloat? = nil, alignment: Alignment = .center
    ) -> some View { self }
    public nonisolated func padding(_ edges: Edge.Set = .all, _ length: CGFloat? = nil) -> some View { self }
    public nonisolated func padding(_ length: CGFloat) -> some View { self }
    public nonisolated func offset(x: CGFloat = 0, y: CGFloat = 0) -> some View { self }
    public nonisolated func opacity(_ share: Double) -> some View { self }
    public nonisolated func clipped() -> some View { self }
    public nonisolated func clipShape<S: Shape>(_ shape: S) -> some View { self }
    public nonisolated func contentShape<S: Shape>(_ shape: S) -> some View { self }
    public nonisolated func scaledToFit() -> some View { self }
    public nonisolated func scaledToFill() -> some View { self }
    public nonisolated func background<S: ShapeStyle>(_ style: S) -> some View { self }
    public nonisolated func background<S: ShapeStyle, T: Shape>(_ style: S, in shape: T) -> some View { self }
    public nonisolated func background<V: View>(alignment: Alignment = .center, @ViewBuilder content: () -> V)
        -> some View
    { self }
    public nonisolated func overlay<V: View>(alignment: Alignment = .center, @ViewBuilder content: () -> V)
        -> some View
    { self }
    public nonisolated func foregroundStyle<S: ShapeStyle>(_ style: S) -> some View { self }
    public nonisolated func font(_ font: Font?) -> some View { self }
    public nonisolated func lineLimit(_ lines: Int?) -> some View { self }
    public nonisolated func multilineTextAlignment(_ alignment: TextAlignment) -> some View { self }
    public nonisolated func imageScale(_ scale: Image.Scale) -> some View { self }
    public nonisolated func labelStyle(_ style: AnyKind) -> some View { self }
    public nonisolated func buttonStyle(_ style: AnyKind) -> some View { self }
    public nonisolated func buttonBorderShape(_ shape: AnyKind) -> some View { self }
    public nonisolated func pickerStyle(_ style: AnyKind) -> some View { self }
    public nonisolated func textFieldStyle(_ style: AnyKind) -> some View { self }
    public nonisolated func textSelection(_ selection: AnyKind) -> some View { self }
    public nonisolated func disabled(_ isDisabled: Bool) -> some View { self }
    public nonisolated func tag<V: Hashable>(_ tag: V) -> some View { self }
    public nonisolated func submitLabel(_ label: SubmitLabel) -> some View { self }
    public nonisolated func keyboardType(_ type: UIKeyboardType) -> some View { self }
    public nonisolated func keyboardShortcut(_ shortcut: KeyboardShortcut) -> some View { self }
    public nonisolated func keyboardShortcut(_ key: KeyEquivalent) -> some View { self }
    public nonisolated func scrollDismissesKeyboard(_ mode: ScrollDismissesKeyboardMode) -> some View { self }
    public nonisolated func dynamicTypeSize<R: RangeExpression>(_ range: R) -> some View
    where R.Bound == DynamicTypeSize { self }
    public nonisolated func accessibilityShowsLargeContentViewer() -> some View { self }
    public nonisolated func accessibilityElement(children: AccessibilityChildBehavior = .ignore) -> some View { self }
    public nonisolated func accessibilityLabel(_ key: LocalizedStringKey) -> some View { self }
    public nonisolated func accessibilityHint(_ key: LocalizedStringKey) -> some View { self }
    public nonisolated func accessibilityValue(_ key: LocalizedStringKey) -> some View { self }
    public nonisolated func accessibilityHidden(_ isHidden: Bool) -> some View { self }
    public nonisolated func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { self }
    public nonisolated func accessibilityAdjustableAction(
        _ handler: @escaping (AccessibilityAdjustmentDirection) -> Void
    ) -> some View { self }
    public nonisolated func navigationTitle(_ key: LocalizedStringKey) -> some View { self }
    public nonisolated func navigationTitle(_ title: Text) -> some View { self }
    public nonisolated func navigationBarTitleDisplayMode(_ mode: NavigationBarItem.TitleDisplayMode) -> some View {
        self
    }
    public nonisolated func navigationDestination<D: Hashable, C: View>(
        for data: D.Type, @ViewBuilder destination: @escaping (D) -> C
    ) -> some View { self }
    public nonisolated func toolbar<C: View>(@ViewBuilder content: () -> C) -> some View { self }
    public nonisolated func sheet<C: View>(
        isPresented: Binding<Bool>, onDismiss: (() -> Void)? = nil, @ViewBuilder content: @escaping () -> C
    ) -> some View { self }
    public nonisolated func fullScreenCover<C: View>(
        isPresented: Binding<Bool>, onDismiss: (() -> Void)? = nil, @ViewBuilder content: @escaping () -> C
    ) -> some View { self }
    public nonisolated func environment<T: AnyObject>(_ object: T?) -> some View { self }
    public nonisolated func environment<V>(_ path: WritableKeyPath<EnvironmentValues, V>, _ value: V) -> some View {
        self
    }
    public nonisolated func focused(_ isFocused: FocusState<Bool>.Binding) -> some View { self }
    public nonisolated func gesture<G: Gesture>(_ gesture: G) -> some View { self }
    public nonisolated func onAppear(perform action: (() -> Void)? = nil) -> some View { self }
    public nonisolated func onSubmit(_ action: @escaping (() -> Void)) -> some View { self }
    public nonisolated func onOpenURL(perform action: @escaping (URL) -> Void) -> some View { self }
    public nonisolated func onContinueUserActivity(_ type: String, perform: @escaping (NSUserActivity) -> Void)
        -> some View
    { self }
    public nonisolated func userActivity(
        _ type: String, isActive: Bool = true, _ update: @escaping (NSUserActivity) -> Void
    ) -> some View { self }
    public nonisolated func onChange<V: Equatable>(of value: V, initial: Bool = false, _ action: @escaping () -> Void)
        -> some View
    { self }
    public nonisolated func onChange<V: Equatable>(
        of value: V, initial: Bool = false, _ action: @escaping (_ old: V, _ new: V) -> Void
    ) -> some View { self }
    public nonisolated func onReceive(_ publisher: Publisher, perform action: @escaping (Notification) -> Void)
        -> some View
    { self }
    public nonisolated func task(
        priority: TaskPriority = .userInitiated, @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View { self }
    public nonisolated func task<T: Equatable>(
        id: T, priority: TaskPriority = .userInitiated,
        @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View { self }
    public nonisolated func dropDestination<T: Transferable>(
        for type: T.Type, action: @escaping (_ items: [T], _ place: CGPoint) -> Bool,
        isTargeted: @escaping (Bool) -> Void = { _ in }
    ) -> some View { self }
}

public struct Publisher {}
extension NotificationCenter { public func publisher(for name: Notification.Name) -> Publisher { Publisher() } }

public struct ToolbarItemPlacement: Sendable {
    public static let cancellationAction = Self(), confirmationAction = Self(), primaryAction = Self()
}
public struct ToolbarItem<C: View>: Primitive {
    public init(placement: ToolbarItemPlacement, @ViewBuilder content: () -> C) {}
}

// Apps

@MainActor @preconcurrency public protocol Scene {}
@resultBuilder public enum SceneBuilder { public static func buildBlock<S: Scene>(_ scene: S) -> S { scene } }
@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    @SceneBuilder @MainActor @preconcurrency var body: Body { get }
    @MainActor @preconcurrency init()
}
extension App { @MainActor @preconcurrency public static func main() {} }
public struct WindowGroup<C: View>: Scene { public init(@ViewBuilder content: @escaping () -> C) {} }
