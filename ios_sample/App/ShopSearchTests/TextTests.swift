import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPShop

struct TextTests {
    @Test(arguments: [
        ("1.79", "EUR", "en_GB", "€1.79"), ("1250", "JPY", "en_US", "¥1,250"), ("3.5", "", "en_GB", "3.5"),
        ("3.5", "points", "en_GB", "3.5 points"),
    ])
    func aPriceStandsInItsCurrency(amount: String, currency: String, locale: String, expected: String) throws {
        let amount = try #require(Decimal(string: amount))
        #expect(priceText(amount, currency: currency, locale: Locale(identifier: locale)) == expected)
    }

    @Test func aWritingSystemHasANameInTheShoppersLanguage() {
        let chinese = Locale(identifier: "zh_Hant")
        #expect(writingSystemName("Cyrillic", locale: Locale(identifier: "en")) == "Cyrillic")
        #expect(writingSystemName("Cyrillic", locale: chinese)?.contains("西里爾") == true)
        #expect(writingSystemName("another script", locale: chinese) == nil)
    }

    @Test(arguments: [
        (SearchError.missingFile(name: "/a/b", problem: "c"), ShopProblem.files),
        (.badFile(name: "/a/b", problem: "c"), .files), (.mismatch(name: "/a/b", problem: "c"), .files),
        (.badPicture("c"), .picture), (.outOfMemory("c"), .memory), (.badRequest("c"), .other),
        (.encoderFailed(name: "/a/b", problem: "c"), .other),
    ])
    func everyErrorIsAProblemOfTheShoppers(error: SearchError, problem: ShopProblem) {
        #expect(ShopProblem(error) == problem)
        #expect(ShopProblem(ShopProblem.gone) == .gone && ShopProblem(CancellationError()) == .other)
    }

    @Test(arguments: [
        ("link", "https://shop.example/1", true), ("url", "HTTP://shop.example/1", true),
        ("link", "javascript:alert(1)", false), ("url", "file:///etc/passwd", false), ("link", "shop.example", false),
        ("homepage", "https://shop.example/1", false),
    ])
    func aCardLinksToWebAddressesAlone(column: String, text: String, isLink: Bool) throws {
        let made = try MadeShop()
        let base = try ProductCatalog.open(made.file("shop.catalog"))
        let vector = (0..<base.dim).map { Float(sin(Double($0))) }
        let product = NewProduct(id: "new", name: "New", extra: [column: text, "size": "7"], vectors: [vector])
        let catalog = try base.adding(CatalogOverlay.empty(base).putting(product))
        let place = try #require(try catalog.place(id: "new"))
        let card = try ShopCard(place, in: catalog, locale: .current)
        #expect((card.link != nil) == isLink)
        let shown = column == "homepage" ? ["homepage", "size"] : ["size"]
        #expect(card.more.map(\.name) == shown && card.more.last?.text == "7")
    }

    @Test func anEntryNeedsAPictureAnIdAndANameAndAPriceThatIsANumber() throws {
        let locale = Locale(identifier: "en_GB")
        var entry = ShopEntry()
        #expect(throws: ShopProblem.incomplete) { try entry.product(locale: locale) }
        (entry.id, entry.name, entry.picture) = (" 7 ", "Hat", ShopPicture(name: "a"))
        #expect(try entry.product(locale: locale) == NewProduct(id: "7", name: "Hat"))
        for (text, amount) in [("12.5", "12.5"), ("0", "0"), ("1.2345", "1.2345")] {
            entry.price = text
            #expect(try entry.product(locale: locale).price == Decimal(string: amount))
        }
        for text in ["12,5", "-1", "1e3", "a", "1.23456", "1 2", "٣"] {
            entry.price = text
            #expect(throws: ShopProblem.price, "\(text)") { try entry.product(locale: locale) }
        }
        entry.price = "12,5"
        #expect(try entry.product(locale: Locale(identifier: "de_DE")).price == Decimal(string: "12.5"))
    }
}
