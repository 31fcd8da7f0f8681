using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <summary>What a node's copy of the weights wants done.</summary>
public abstract record WeightsEffect;

/// <summary>Put the pieces that arrived into the place of the weights before, all at once; no computation may be under way.</summary>
/// <param name="Step">Steps committed in them.</param>
/// <param name="Held">Whether the run holds before the next step.</param>
public sealed record AdoptWeights(long Step, bool Held) : WeightsEffect;

/// <summary>Hand a message to the worker: the weights that it is about are there.</summary>
/// <param name="Message">What.</param>
public sealed record HandToWorker(IWorkerMessage Message) : WeightsEffect;

/// <summary>
/// A node's copy of the weights, decided: pieces come from several servers, each in its own time; when all are of one step the worker may begin it. What a
/// worker is told about weights that are not there yet waits here.
/// </summary>
public sealed class WeightsMachine
{
    private readonly Dictionary<int, long> versions = [];
    private readonly List<EvaluateBlocks> evaluations = [];
    private readonly List<ComputeAlso> help = [];
    private Arrangement arrangement = Arrangement.None;
    private long adopted = -1;
    private bool hadFirst;
    private int steps;
    private WeightsArrived? fromLead;
    private StepOpened? opened;

    /// <summary>Whether all weights of two steps were there, or those that everybody began with: from then on the node has those of any step of which something may still be missing.</summary>
    public bool HasWeights => hadFirst || steps > 1;

    /// <summary>Whether a piece is newer than what is there of it: only then may it be put into the copy that is next.</summary>
    public bool Takes(WeightsArrived message) =>
        message.Arrangement == arrangement.Number && message.Step > versions.GetValueOrDefault(message.Offset, -1);

    /// <summary>Whether a piece is of a newer step than one of which some pieces, but not all, are in the copy that is next: with it that step could not become whole any more.</summary>
    public bool MayStillComplete(WeightsArrived newer) =>
        newer.Arrangement == arrangement.Number && versions.Count > 0 && versions.Values.Max() is var collected && collected > adopted && newer.Step > collected;

    /// <summary>A view: in a new arrangement all pieces come anew.</summary>
    public IReadOnlyList<WeightsEffect> Handle(ViewPublished message)
    {
        if (message.View.Arrangement.Number > arrangement.Number)
        {
            arrangement = message.View.Arrangement;
            versions.Clear();
            (adopted, hadFirst, steps) = (-1, false, 0);
            (fromLead, opened) = (null, null);
            evaluations.Clear();
            help.Clear();
        }

        return [new HandToWorker(message)];
    }

    /// <summary>A piece is in the copy that is next.</summary>
    public IReadOnlyList<WeightsEffect> Handle(WeightsArrived message)
    {
        if (!Takes(message))
        {
            return [];
        }

        versions[message.Offset] = message.Step;
        if (message.Offset == 0)
        {
            fromLead = message;
        }

        if (versions.Count < arrangement.Pieces.Count || versions.Values.Any(version => version != message.Step))
        {
            return [];
        }

        adopted = message.Step;
        hadFirst |= adopted == arrangement.Step;
        steps++;
        List<WeightsEffect> effects = [new AdoptWeights(adopted, fromLead!.Held)];
        if (fromLead is { Held: false } lead)
        {
            effects.Add(new HandToWorker(new StepOpened(lead.View, adopted, [])));
        }

        if (opened is { } step && step.Step == adopted)
        {
            effects.Add(new HandToWorker(step));
        }

        effects.AddRange(help.Where(asked => asked.Step == adopted).Select(asked => new HandToWorker(asked)));
        help.RemoveAll(asked => asked.Step <= adopted);
        effects.AddRange(evaluations.Where(waiting => waiting.WeightsStep == adopted).Select(waiting => new HandToWorker(waiting)));
        evaluations.RemoveAll(waiting => waiting.WeightsStep <= adopted);
        return effects;
    }

    /// <summary>The lead opens a step.</summary>
    public IReadOnlyList<WeightsEffect> Handle(StepOpened message)
    {
        if (message.Step == adopted)
        {
            return [new HandToWorker(message)];
        }

        opened = message;
        return [];
    }

    /// <summary>A server asks for help with a step.</summary>
    public IReadOnlyList<WeightsEffect> Handle(ComputeAlso message)
    {
        if (message.Step > adopted)
        {
            help.Add(message);
            return [];
        }

        return message.Step == adopted ? [new HandToWorker(message)] : [];
    }

    /// <summary>The coordinator asks for an evaluation.</summary>
    public IReadOnlyList<WeightsEffect> Handle(EvaluateBlocks message)
    {
        if (message.WeightsStep == adopted)
        {
            return [new HandToWorker(message)];
        }

        evaluations.Add(message);
        return [];
    }
}
