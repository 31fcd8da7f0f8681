using System.Reflection;
using System.Runtime.Loader;
using ActorMlp.Training.Simulation.Search;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ActorMlp.Training.Tests.Simulation;

/// <summary>A mistake in the project's source.</summary>
/// <param name="Name">What goes wrong.</param>
/// <param name="File">Where, beneath the project.</param>
/// <param name="Original">What is there, and only there.</param>
/// <param name="Mutated">What is there instead.</param>
/// <param name="FoundLastBy">The seed that noticed last.</param>
public sealed record Mistake(string Name, string File, string Original, string Mutated, int FoundLastBy);

/// <summary>
/// The project's source, compiled once with all mistakes in it, of which at most one is planted at a time: each is in a copy of its method, which the method calls instead while the mistake is planted.
/// </summary>
internal sealed class PlantedMistakes
{
    private const string Switch = "PlantedMistake";

    private static readonly string Source = Path.Combine(Root(), "src", "ActorMlp.Training");
    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest);

    private readonly IReadOnlyList<Mistake> mistakes;
    private readonly FieldInfo planted;
    private readonly MethodInfo of;
    private readonly MethodInfo find;

    /// <summary>Compiles them.</summary>
    public PlantedMistakes(IReadOnlyList<Mistake> mistakes)
    {
        this.mistakes = mistakes;
        using MemoryStream assembly = Compile();

        // Not to be unloaded: what may be is compiled all at once, and more slowly.
        Assembly loaded = new AssemblyLoadContext("mistakes").LoadFromStream(assembly);
        planted = loaded.GetType(Switch, throwOnError: true)!.GetField("Number")!;
        of = loaded.GetType(typeof(SearchCase).FullName!, throwOnError: true)!.GetMethod(nameof(SearchCase.Of))!;
        find = of.DeclaringType!.GetMethod(nameof(SearchCase.FindProblem))!;
    }

    /// <summary>Plants one, in the place of another.</summary>
    public Mistake Plant(string name)
    {
        int number = mistakes.Index().Single(one => one.Item.Name == name).Index;
        planted.SetValue(null, number);
        return mistakes[number];
    }

    /// <summary>Plants none.</summary>
    public void Uproot() => planted.SetValue(null, -1);

    /// <summary>What the search finds with a seed.</summary>
    public string? FindProblem(ulong seed) => (string?)find.Invoke(of.Invoke(null, [seed, null]), []);

    private MemoryStream Compile()
    {
        const string Usings =
            "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; global using System.Threading.Tasks;";
        var compilation = CSharpCompilation.Create(
            "ActorMlp.Training",
            [
                CSharpSyntaxTree.ParseText(Usings, ParseOptions),
                CSharpSyntaxTree.ParseText($"internal static class {Switch} {{ public static int Number = -1; }}", ParseOptions),
                .. Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories)
                    .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
                    .Select(path => CSharpSyntaxTree.ParseText(TextOf(path), ParseOptions, path)),
            ],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
                .Where(path => Path.GetFileName(path) is not ("ActorMlp.Training.dll" or "ActorMlp.Training.Tests.dll"))
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, concurrentBuild: false));
        var assembly = new MemoryStream();
        var result = compilation.Emit(assembly);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(one => one.Severity == DiagnosticSeverity.Error).Take(5)));
        assembly.Position = 0;
        return assembly;
    }

    /// <summary>A file with its mistakes.</summary>
    private string TextOf(string path)
    {
        string text = File.ReadAllText(path).ReplaceLineEndings("\n");
        (int Number, Mistake Mistake, int At)[] own =
        [
            .. mistakes.Index().Where(one => Path.Combine(Source, one.Item.File) == path)
                .Select(one => (one.Index, one.Item, text.IndexOf(one.Item.Original, StringComparison.Ordinal))),
        ];
        Assert.All(own, one => Assert.True(
            text.Split(one.Mistake.Original).Length == 2, $"{one.Mistake.Name}: the place to plant it is not, or not only once, in {one.Mistake.File}"));
        if (own.Length == 0)
        {
            return text;
        }

        int places = 0;
        foreach (MethodDeclarationSyntax method in CSharpSyntaxTree.ParseText(text, ParseOptions).GetRoot().DescendantNodes().OfType<MethodDeclarationSyntax>().Reverse())
        {
            (int Number, Mistake Mistake, int At)[] here = [.. own.Where(one => method.Span.Contains(one.At))];
            places += here.Length;
            if (here.Length > 0)
            {
                text = text[..method.SpanStart] + WithCopies(method, here.Select(one => (one.Number, one.Mistake))) + text[method.Span.End..];
            }
        }

        Assert.Equal(own.Length, places);
        return text;
    }

    /// <summary>A method, behind it a copy for each of its mistakes.</summary>
    private static string WithCopies(MethodDeclarationSyntax method, IEnumerable<(int Number, Mistake Mistake)> mistakes)
    {
        string original = method.ToString(), calls = "", copies = "";
        string arguments = string.Join(", ", method.ParameterList.Parameters.Select(one => $"{(one.Modifiers.Any(SyntaxKind.OutKeyword) ? "out " : one.Modifiers.Any(SyntaxKind.RefKeyword) ? "ref " : "")}{one.Identifier}"));
        bool isVoid = method.ReturnType.ToString() == "void";
        foreach ((int number, Mistake mistake) in mistakes)
        {
            string name = $"{method.Identifier}{Switch}{number}", modifiers = method.Modifiers.Any(SyntaxKind.StaticKeyword) ? "private static" : "private";
            string rest = original[(method.Identifier.Span.End - method.SpanStart)..].Replace(mistake.Original, mistake.Mutated, StringComparison.Ordinal);
            calls += $" if (global::{Switch}.Number == {number}) {{ {(isVoid ? "" : "return ")}{name}({arguments}); {(isVoid ? "return; " : "")}}}";
            copies += $"\n{modifiers} {method.ReturnType} {name}{rest}\n";
        }

        int From(int position) => position - method.SpanStart;
        string instead = method.Body is { } body
            ? original.Insert(From(body.OpenBraceToken.Span.End), calls)
            : $"{original[..From(method.ExpressionBody!.SpanStart)]} {{ {calls} {(isVoid ? "" : "return ")}{method.ExpressionBody.Expression}; }}";
        return instead + copies;
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "ActorMlp.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("the test does not run from within the repository");
    }
}
