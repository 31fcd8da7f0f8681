using ActorMlp.Training.Views;

namespace ActorMlp.Training.Simulation;

/// <summary>What must hold at every event. The first thing that does not ends the simulation.</summary>
internal sealed class ProtocolWatch
{
    private readonly Dictionary<(int Run, int Arrangement, long Step, int Offset, int Server), bool> applied = [];

    private readonly Dictionary<(int Run, int Arrangement), long> updates = [];

    /// <summary>What does not hold; null for nothing.</summary>
    public string? Broken { get; private set; }

    /// <summary>A server applies a step to a piece: nobody else may, and it not twice.</summary>
    public void Applied(int run, int server, int arrangement, long step, ParameterPiece piece)
    {
        if (piece.Server != server)
        {
            Break($"server {server} applies step {step} to a piece of server {piece.Server}");
        }

        Once(run, server, arrangement, step, piece);
    }

    /// <summary>A standby applies a step to a piece: nobody else may, and it not twice.</summary>
    public void Followed(int run, int server, int arrangement, long step, ParameterPiece piece)
    {
        if (piece.Standby != server)
        {
            Break($"server {server} follows with step {step} a piece for which {piece.Standby} stands by");
        }

        Once(run, server, arrangement, step, piece);
    }

    /// <summary>The parameter server of a run that is made of shares applies an update: none twice, none left out.</summary>
    public void Applied(int run, int arrangement, long sequence)
    {
        if (updates.TryGetValue((run, arrangement), out long last) && sequence != last + 1)
        {
            Break($"update {sequence} is applied after update {last} in arrangement {arrangement}");
        }

        updates[(run, arrangement)] = sequence;
    }

    private void Once(int run, int server, int arrangement, long step, ParameterPiece piece)
    {
        if (!applied.TryAdd((run, arrangement, step, piece.Offset, server), true))
        {
            Break($"step {step} is applied twice to the piece at {piece.Offset} in arrangement {arrangement} by server {server}");
        }
    }

    public void Break(string what) => Broken ??= what;
}
