using ScottPlot;
using SkiaSharp;

namespace ActorMlp.Cli.Plots;

/// <summary>
/// The font of plots, carried in the program: a machine with nothing but the .NET SDK may have no fonts at all, and then
/// the renderer leaves every text out without a word. Also, pictures are the same everywhere.
/// </summary>
internal sealed class PlotFont : IFontResolver
{
    /// <summary>The name under which plots ask for it.</summary>
    public const string Name = "ActorMlp Plot Sans";

    private static readonly Lock Gate = new();
    private static bool known;

    private readonly SKData data;

    private PlotFont()
    {
        using Stream stream = typeof(PlotFont).Assembly.GetManifestResourceStream("PlotSans.ttf")
            ?? throw new InvalidOperationException("the plot font is missing from the program");
        data = SKData.Create(stream);
    }

    /// <summary>Makes the font known to the renderer.</summary>
    public static void Register()
    {
        lock (Gate)
        {
            if (!known)
            {
                Fonts.FontResolvers.Add(new PlotFont());
                known = true;
            }
        }
    }

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        fontName == Name ? SKTypeface.FromData(data) : null;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? SKTypeface.FromData(data) : null;
}
